import Captures
import Foundation
import PacketSamples
import Testing
import XSKEngine

@Suite struct CaptureReaderTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  static let packets: [SampleCapture.Packet] = [
    .init(SamplePacket().frame, seconds: 1_700_000_000, nanoseconds: 123_456_000),
    .init([], seconds: 1_700_000_001),
    .init([1, 2, 3], length: 1514, seconds: 4_294_967_295, nanoseconds: 999_999_000),
    .init([UInt8](repeating: 7, count: 262_144), seconds: 0),
  ]

  @Test(arguments: SampleCapture.Format.allCases, [(false, false), (false, true), (true, false), (true, true)])
  func `every format is read, with bytes, lengths and time stamps`(
    format: SampleCapture.Format, kind: (isBigEndian: Bool, isNano: Bool)
  ) throws {
    var packets = Self.packets
    if kind.isNano { packets[0].nanoseconds += 789 }
    let capture = SampleCapture(packets) {
      ($0.format, $0.isBigEndian, $0.isNano) = (format, kind.isBigEndian, kind.isNano)
    }
    let (read, damage, link) = try readAll(folder.write(capture.bytes))
    #expect(damage == nil && link == .ethernet)
    let expected = packets.map {
      ReadPacket(
        bytes: $0.bytes,
        record: CaptureRecord(
          seconds: Int64($0.seconds), nanoseconds: $0.nanoseconds, length: $0.length ?? UInt32($0.bytes.count)))
    }
    #expect(read == expected)
  }

  @Test(arguments: [(1, CaptureLink.ethernet), (12, .rawIP), (14, .rawIP), (101, .rawIP)] as [(UInt32, CaptureLink)])
  func `Ethernet and every number of raw IP are understood`(number: UInt32, link: CaptureLink) throws {
    let capture = SampleCapture(frames: [[0x45]]) { $0.link = number }
    #expect(try readAll(folder.write(capture.bytes)).link == link)
  }

  @Test(arguments: [228, 229] as [UInt32])
  func `captures of one IP version are raw IP`(number: UInt32) throws {
    let link = try readAll(folder.write(SampleCapture(frames: []) { $0.link = number }.bytes)).link
    #expect(link.layer == .rawIP && link.type == CInt(number))
  }

  @Test(arguments: [(113, "LINUX_SLL (113)"), (0, "NULL (0)"), (105, "IEEE802_11 (105)"), (147, "147")])
  func `another link type is refused by name`(number: UInt32, name: String) throws {
    for format in SampleCapture.Format.allCases {
      let path = try folder.write(SampleCapture(frames: [[1]]) { ($0.link, $0.format) = (number, format) }.bytes)
      #expect(
        problem { _ = try CaptureReader(path) }
          == "\(path): its link type \(name) is not supported; give a capture of Ethernet or raw IP")
    }
  }

  @Test(arguments: SampleCapture.Format.allCases)
  func `cut anywhere, a capture gives the packets before the cut and says that it is cut`(
    format: SampleCapture.Format
  ) throws {
    let capture = SampleCapture(frames: [SamplePacket().frame, [], [1, 2, 3]]) { $0.format = format }
    let (bytes, ends) = (capture.bytes, capture.ends)
    for length in 0...bytes.count {
      let path = try folder.write(Array(bytes[..<length]))
      guard length >= ends[0] else {
        #expect(problem { _ = try CaptureReader(path) }?.contains("is not a capture that can be read") == true)
        continue
      }
      let whole = ends.lastIndex { $0 <= length }!
      let (read, damage, _) = try readAll(path)
      #expect(read.map(\.bytes) == capture.packets[..<whole].map(\.bytes), "\(length) bytes")
      #expect((damage == nil) == ends.contains(length), "\(length) bytes")
      if let damage { #expect(damage.problem.hasPrefix("damaged after packet \(whole) (truncated ")) }
    }
  }

  @Test func `a record that is longer than any packet ends the capture`() throws {
    var capture = SampleCapture(frames: [[1], [2]])
    let second = capture.ends[1]
    var bytes = capture.bytes
    bytes.replaceSubrange(second + 8..<second + 12, with: [0xFF, 0xFF, 0xFF, 0x7F])
    let (read, damage, _) = try readAll(folder.write(bytes))
    #expect(read.count == 1 && damage?.problem.contains("invalid packet capture length 2147483647") == true)
    // More than the file says that packets have at most, but no more than there may be: cut to that.
    capture.snapLength = 2
    capture.packets[1].bytes = [1, 2, 3]
    #expect(try readAll(folder.write(capture.bytes)).packets[1].bytes == [1, 2])
  }

  @Test(arguments: [false, true], [false, true])
  func `a time stamp with a fraction of a second or more ends the capture`(isNano: Bool, isBigEndian: Bool) throws {
    let limit: UInt32 = isNano ? 1_000_000_000 : 1_000_000
    for fraction in [limit, limit + 1, .max / 2, .max / 2 + 1, .max] {
      var capture = SampleCapture(frames: [[1], [2], [3]]) { ($0.isNano, $0.isBigEndian) = (isNano, isBigEndian) }
      capture.packets[1].fraction = fraction
      let (read, damage, _) = try readAll(folder.write(capture.bytes))
      #expect(read.count == 1)
      #expect(
        damage?.problem == "damaged at packet 2 (its time stamp has a fraction of a second or more)", "\(fraction)")
      capture.packets[1].fraction = limit - 1
      #expect(try readAll(folder.write(capture.bytes)).packets.count == 3)
    }
  }

  @Test func `what is no capture is refused in words`() throws {
    let empty = try folder.write([], to: "empty")
    let text = try folder.write(Array("no capture at all, but long enough for a header".utf8), to: "text")
    let missing = folder.file("missing")
    #expect(
      problem { _ = try CaptureReader(empty) }?.hasPrefix("\(empty): is not a capture that can be read (") == true)
    #expect(
      problem { _ = try CaptureReader(text) }
        == "\(text): is not a capture that can be read (unknown file format); give a pcap or pcapng file")
    #expect(
      problem { _ = try CaptureReader(missing) }
        == "\(missing): can't be read: No such file or directory; give a capture file that you may read")
    #expect(
      problem { _ = try CaptureReader(folder.path) } == "\(folder.path): is a directory; give a capture file")
  }

  @Test func `garbage never gives more than the file holds`() throws {
    for seed in 0..<400 {
      var random = SeededGenerator(UInt64(seed))
      let frames = (0..<Int.random(in: 1...5, using: &random)).map {
        SamplePacket.fill(Int.random(in: 0...200, using: &random), from: $0)
      }
      var bytes = SampleCapture(frames: frames) {
        $0.format = random.once(in: 2) ? .pcap : .pcapng
        $0.isBigEndian = random.once(in: 2)
      }.bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      let path = try folder.write(bytes)
      guard let (read, _, _) = try? readAll(path) else { continue }
      #expect(read.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "seed \(seed)")
      for packet in read { #expect(Int(packet.record.length) >= packet.bytes.count, "seed \(seed)") }
    }
  }
}
