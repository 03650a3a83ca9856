import GROLite
import PacketSamples
import Testing
import XSKEngine

@testable import Replay

@Suite struct ConservationTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Packets of any bytes and any size, and real ones cut off or spoilt. `ScratchFolder.replay` checks what holds for all.
  @Test(arguments: [nil, .chain, .linear] as [GROConfiguration.Mode?])
  func `everything is accounted for, whatever the packets are`(mode: GROConfiguration.Mode?) throws {
    for seed in 0..<40 {
      var random = SeededGenerator(UInt64(seed))
      let packets = (0..<Int.random(in: 0...120, using: &random)).map { _ in Self.packet(&random) }
      let capture = SampleCapture(packets) {
        $0.link = [1, 12, 14, 101, 228, 229].randomElement(using: &random)!
        $0.format = random.once(in: 2) ? .pcap : .pcapng
        $0.isBigEndian = random.once(in: 2)
      }
      let sizes = (0..<Int.random(in: 1...5, using: &random)).map { _ in Int.random(in: 1...80, using: &random) }
      let replayed = try folder.replay(capture, mode: mode, batches: sizes)
      #expect(replayed.outcome.failure == nil)
      #expect(Int(replayed.outcome.summary.packets.received) == packets.count, "seed \(seed)")
      guard mode != .linear else { continue }
      #expect(
        replayed.frames.sorted(by: less) == packets.map(\.bytes).sorted(by: less), "seed \(seed)")
    }
  }

  static func packet(_ random: inout SeededGenerator) -> SampleCapture.Packet {
    var bytes: [UInt8]
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    case 1: bytes = [UInt8](repeating: .random(in: 0...255, using: &random), count: size(&random))
    default:
      bytes =
        SamplePacket {
          $0.isIPv6 = random.once(in: 2)
          $0.isRaw = random.once(in: 2)
          $0.transport = [.tcp, .udp, .icmp, .other(50)].randomElement(using: &random)!
          $0.payload = SamplePacket.fill(.random(in: 0...300, using: &random))
          $0.sequence = UInt32.random(in: 0...3, using: &random) * 100
          $0.padding = random.once(in: 5) ? 9 : 0
        }.frame
    }
    if random.once(in: 3), !bytes.isEmpty {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
    }
    let length = UInt32(bytes.count)
    if random.once(in: 4) { bytes = Array(bytes.prefix(.random(in: 0...100, using: &random))) }
    return SampleCapture.Packet(bytes, length: length, seconds: 1)
  }

  /// Mostly around where frames and IP packets end.
  static func size(_ random: inout SeededGenerator) -> Int {
    let size = [0, 1, 14, 60, 1514, 2048, 4096, 9014, 65_535, 65_549, 131_072, 262_144].randomElement(using: &random)!
    return min(262_144, max(0, size + Int.random(in: -2...2, using: &random)))
  }

  @Test(arguments: SampleCapture.Format.allCases)
  func `of a capture that is cut off, what is there is replayed and the rest is said`(
    format: SampleCapture.Format
  ) throws {
    let frames = (0..<4).map { data(UInt32($0 * 100)).frame }
    let capture = SampleCapture(frames: frames) { $0.format = format }
    for cut in capture.ends[0]...capture.ends[4] {
      var replay = CaptureReplay(input: try folder.write(Array(capture.bytes[..<cut])))
      replay.output = folder.file("out")
      let whole = capture.ends.lastIndex { $0 <= cut }!
      // Within the first packet there is nothing to replay.
      guard whole > 0 || cut == capture.ends[0] else {
        #expect(throws: XSKError.self) { try replay.run() }
        continue
      }
      let outcome = try replay.run()
      #expect(outcome.summary.packets.delivered == whole && outcome.summary.conservationHolds)
      #expect((outcome.failure == nil) == capture.ends.contains(cut))
      #expect(try folder.frames(of: "out").0 == Array(frames[..<whole]))
    }
  }

  @Test(arguments: [[], [0], [64, 1025], [-1]])
  func `bursts of an impossible size are refused`(batches: [Int]) throws {
    let input = try folder.write(SampleCapture(frames: []).bytes)
    #expect(throws: XSKError.self) { try CaptureReplay(input: input, batches: batches).run() }
  }
}
