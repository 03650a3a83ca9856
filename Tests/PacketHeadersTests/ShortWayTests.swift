import PacketSamples
import Testing

@testable import PacketHeaders

/// The parser's short way and its whole way must say the same.
@Suite struct ShortWayTests {
  static func sample(_ random: inout SeededGenerator) -> SamplePacket {
    SamplePacket {
      $0.isIPv6 = random.once(in: 2)
      $0.transport = random.once(in: 3) ? .udp : .tcp
      $0.tcpOptions =
        random.once(in: 3) ? [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] : random.once(in: 5) ? [2, 4, 1, 1] : []
      $0.tcpFlags = random.once(in: 3) ? UInt8.random(in: 0...255, using: &random) : 0x10
      $0.payload = SamplePacket.fill(Int.random(in: 0...40, using: &random))
      $0.padding = random.once(in: 3) ? 6 : 0
      $0.hasUDPChecksum = !random.once(in: 6)
      $0.identification = .random(in: 0...UInt16.max, using: &random)
      $0.flowLabel = .random(in: 0...0xF_FFFF, using: &random)
      $0.sequence = .random(in: 0...UInt32.max, using: &random)
    }
  }

  /// A sample with up to five bytes of it changed.
  static func damaged(_ round: Int, _ random: inout SeededGenerator) -> [UInt8] {
    var frame = sample(&random).frame
    for _ in 0..<[0, 0, 1, 2, 5][round % 5] {
      frame[Int.random(in: 0..<min(frame.count, 90), using: &random)] = .random(in: 0...255, using: &random)
    }
    return frame
  }

  static func same(_ left: PacketSummary, _ right: PacketSummary) -> Bool {
    left.key == right.key && left.linkWord0 == right.linkWord0 && left.linkWord1 == right.linkWord1
      && left.vlanTags == right.vlanTags && left.networkWord == right.networkWord && left.tcpWord == right.tcpWord
      && left.sequence == right.sequence && left.identification == right.identification
      && left.transportOffset == right.transportOffset && left.payloadOffset == right.payloadOffset
      && left.payloadLength == right.payloadLength && left.flags == right.flags
      && left.networkOffset == right.networkOffset && left.malformation == right.malformation
  }

  @Test func bothWaysAgreeOnWellFormedAndDamagedPackets() {
    var random = SeededGenerator(1)
    var taken = 0
    for round in 0..<60_000 {
      var frame = Self.damaged(round, &random)
      if random.once(in: 8) { frame.removeLast(Int.random(in: 0..<frame.count, using: &random)) }
      let length = frame.count + (random.once(in: 10) ? 100 : 0)
      var short = PacketSummary()
      var whole = PacketSummary()
      guard short.parseCommon(frame.packet, length: length) else { continue }
      whole.parseAny(ethernet: frame.packet, length: length)
      taken += 1
      #expect(Self.same(short, whole), "round \(round): \(frame)")
    }
    #expect(taken > 15_000)
  }

  @Test func `a plain packet's summary is that of the whole parser`() {
    var random = SeededGenerator(2)
    var taken = 0
    for round in 0..<20_000 {
      let frame = Self.damaged(round, &random)
      guard let plain = PacketSummary(plain: frame.packet) else { continue }
      taken += 1
      #expect(Self.same(plain, PacketSummary(frame.packet)), "round \(round): \(frame)")
      #expect(plain.flags.isSuperset(of: [.flow, .addresses]) && plain.key.version == 4)
    }
    #expect(taken > 2_000)
  }
}
