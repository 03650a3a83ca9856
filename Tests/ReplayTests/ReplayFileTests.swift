import Captures
import Foundation
import GROLite
import PacketHeaders
import PacketSamples
import Testing

@testable import Replay

@Suite struct ReplayFileTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// What tells a flow in the samples.
  struct Flow: Hashable {
    var port: UInt16
    var isIPv6: Bool
  }

  static func flow(_ packet: SamplePacket) -> Flow { Flow(port: packet.sourcePort, isIPv6: packet.isIPv6) }

  @Test(arguments: [false, true])
  func `chain mode gives back every frame, byte for byte, in each flow's order`(isRaw: Bool) throws {
    for seed in 0..<12 {
      var random = SeededGenerator(UInt64(seed))
      let packets = SampleTraffic(&random, trouble: false).packets.map { packet in
        packet.with { if isRaw { ($0.isRaw, $0.vlans) = (true, []) } }
      }
      let sizes = (0..<9).map { _ in Int.random(in: 1...64, using: &random) }
      let capture = SampleCapture(frames: packets.map(\.frame)) { $0.link = isRaw ? 101 : 1 }
      let replayed = try folder.replay(capture, batches: sizes)
      var flows: [[UInt8]: Flow] = [:]
      for packet in packets { flows[packet.frame] = Self.flow(packet) }
      let before = Dictionary(grouping: packets, by: Self.flow).mapValues { $0.map(\.frame) }
      let after = Dictionary(grouping: replayed.frames) { flows[$0] }
      #expect(after.count == before.count, "seed \(seed)")
      for (flow, frames) in before { #expect(after[flow] == frames, "seed \(seed)") }
    }
  }

  @Test func `whatever becomes of traffic, no frame is lost, changed or doubled`() throws {
    for seed in 100..<120 {
      var random = SeededGenerator(UInt64(seed))
      let frames = SampleTraffic(&random, trouble: true).packets.map(\.frame)
      let replayed = try folder.replay(SampleCapture(frames: frames), batches: [.random(in: 1...200, using: &random)])
      #expect(replayed.frames.sorted(by: less) == frames.sorted(by: less), "seed \(seed)")
    }
  }

  @Test func `a frame keeps its time stamp and its length on the wire`() throws {
    let packets: [SampleCapture.Packet] = [
      .init(data(0).frame, seconds: 5, nanoseconds: 123_456_789), .init(data(100).frame, seconds: 6, nanoseconds: 1),
      .init(Array(data(200).frame[..<60]), length: 154, seconds: 7),
    ]
    let capture = SampleCapture(packets)
    let chain = try folder.replay(capture)
    #expect(try folder.read("out") == capture.bytes)
    #expect(chain.units.map(\.malformed) == [nil, "pkt_too_small_ipv4"])
    let linear = try folder.replay(capture, mode: .linear)
    #expect(linear.records.map(\.nanoseconds) == [123_456_789, 0] && linear.records.map(\.length) == [254, 154])
  }

  @Test(arguments: [false, true], [SamplePacket.Transport.tcp, .udp])
  func `a super-frame is a whole packet for every reader`(isIPv6: Bool, transport: SamplePacket.Transport) throws {
    for isRaw in [false, true] {
      let packets = (0..<5).map { place in
        data(UInt32(place * 101), place == 4 ? 33 : 101) {
          ($0.isIPv6, $0.transport, $0.isRaw) = (isIPv6, transport, isRaw)
          if !isRaw { $0.vlans = [(0x8100, 5)] }
        }
      }
      let capture = SampleCapture(frames: packets.map(\.frame)) { $0.link = isRaw ? 101 : 1 }
      let replayed = try folder.replay(capture, mode: .linear)
      #expect(replayed.link == (isRaw ? .rawIP : .ethernet))
      // Made whole by the samples' own arithmetic.
      let whole = packets[0].with { $0.payload = packets.flatMap(\.payload) }
      #expect(replayed.frames == [whole.frame])
      #expect(replayed.units.map(\.form) == ["linear"])
      #expect(replayed.units.map(\.crc32) == [referenceCRC(whole.payload)])
      #expect(replayed.units.map(\.ipLength) == [whole.frame.count - whole.linkLength])
    }
  }

  @Test func `the largest super-frame fits the capture`() throws {
    let packets = (0..<45).map { place in
      data(UInt32(place * 1460), place == 44 ? 1255 : 1460) { $0.vlans = [(0x88A8, 5), (0x8100, 6)] }
    }
    let replayed = try folder.replay(SampleCapture(frames: packets.map(\.frame)), mode: .linear)
    #expect(replayed.units.map(\.ipLength) == [65_535] && replayed.frames.map(\.count) == [65_557])
    let frame = replayed.frames[0]
    let parsed = PacketSummary(frame.packet)
    #expect(InternetChecksum.verifyTransport(frame.packet, parsed) == .good)
  }

  /// In linear mode each frame of `--out` is a unit (no CWR here), so the two files can be held against each other.
  @Test func `the lines say of the payload what the frames have`() throws {
    for seed in 200..<215 {
      var random = SeededGenerator(UInt64(seed))
      let packets = SampleTraffic(&random, trouble: true).packets.map { packet in
        packet.with { $0.tcpFlags &= 0x7F }
      }
      let replayed = try folder.replay(SampleCapture(frames: packets.map(\.frame)), mode: .linear)
      guard replayed.frames.count == replayed.units.count else {
        Issue.record("seed \(seed): \(replayed.frames.count) frames of \(replayed.units.count) units")
        continue
      }
      for (frame, unit) in zip(replayed.frames, replayed.units) {
        let parsed = PacketSummary(frame.packet)
        #expect(unit.ipLength == parsed.ipLength, "seed \(seed)")
        guard !parsed.isFragment else {
          #expect(unit.payload == nil, "seed \(seed)")
          continue
        }
        let payload = Array(frame[Int(parsed.payloadOffset)..<parsed.endOffset])
        #expect(unit.payload == payload.count && unit.crc32 == referenceCRC(payload), "seed \(seed)")
      }
    }
  }

  /// The capture of the README: 12,288 bytes sent by one kernel to another over a veth pair, bytes 0 to 255 over and over.
  @Test(arguments: [nil, .chain, .linear] as [GROConfiguration.Mode?])
  func `a transfer between two kernels keeps its bytes`(mode: GROConfiguration.Mode?) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    var replay = CaptureReplay(input: root.appendingPathComponent("Examples/Captures/tcp.pcap").path, mode: mode)
    (replay.output, replay.units) = (folder.file("out"), folder.file("units"))
    let outcome = try replay.run()
    #expect(outcome.failure == nil && outcome.summary.packets.delivered == 28 && outcome.summary.malformed == [:])
    let lines = String(decoding: try folder.read("units"), as: UTF8.self).split(separator: "\n")
    let units = try lines.map { try JSONDecoder().decode(UnitLine.self, from: Data($0.utf8)) }
    #expect(units.filter { $0.packets > 1 }.map(\.payload) == (mode == nil ? [] : [6140, 6140]))
    #expect(units.reduce(0) { $0 + ($1.payload ?? 0) } == 12_288)
    var stream: [UInt8] = []
    for frame in try folder.frames(of: "out").0 {
      let parsed = PacketSummary(frame.packet)
      #expect(InternetChecksum.verifyTransport(frame.packet, parsed) == .good)
      stream += frame[Int(parsed.payloadOffset)..<parsed.endOffset]
    }
    #expect(stream == (0..<12_288).map { UInt8(truncatingIfNeeded: $0) })
  }
}
