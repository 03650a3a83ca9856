import Captures
import Foundation
import PacketSamples
import Testing
import XSKEngine

/// What is composed, read by three others: a strict parser, libpcap, tcpdump.
@Suite struct PcapngTests {
  static let packets = (0..<40).map { number in
    SamplePacket {
      $0.transport = .udp
      $0.payload = [UInt8](repeating: UInt8(number), count: number)
    }.frame
  }

  static func compose() -> [UInt8] {
    var encoder = PcapngEncoder()
    encoder.beginSection(application: "test 1")
    encoder.addInterface(name: "eth0", description: "one", snapLength: 262_144)
    encoder.addInterface(name: "größer", description: "", snapLength: 96)
    for (number, packet) in packets.enumerated() {
      encoder.addPacket(
        packet.packet, length: packet.count + number, interface: number % 2,
        nanoseconds: 1_763_000_000_123_456_789 + UInt64(number), direction: number % 3 == 0 ? .outbound : .inbound,
        queue: number, lost: number % 4 == 0 ? UInt64(number) << 33 : 0,
        comments: (0..<number % 3).map { "comment \($0) of \(number)" })
    }
    encoder.addPacket([UInt8]().packet, length: 0, interface: 0, nanoseconds: 0, direction: .inbound, queue: 0)
    encoder.addStatistics(interface: 0, nanoseconds: 5, accepted: 30, lost: 10, written: 20)
    encoder.addStatistics(interface: 1, nanoseconds: 5, accepted: 1 << 40, lost: 1 << 33, written: 20)
    return encoder.take()
  }

  @Test func `a strict reader finds everything`() throws {
    let file = try PcapngFile(Self.compose())
    #expect(file.application == "test 1")
    #expect(file.interfaces.map(\.name) == ["eth0", "größer"] && file.interfaces.map(\.snapLength) == [262_144, 96])
    #expect(file.interfaces.allSatisfy { $0.link == 1 && $0.resolution == 9 })
    #expect(file.packets.map(\.bytes) == Self.packets + [[]])
    for (number, packet) in file.packets.dropLast().enumerated() {
      #expect(packet.interface == number % 2 && packet.length == Self.packets[number].count + number)
      #expect(packet.time == 1_763_000_000_123_456_789 + UInt64(number))
      #expect(packet.direction == (number % 3 == 0 ? 2 : 1) && packet.queue == UInt32(number))
      #expect(packet.lost == (number % 4 == 0 ? UInt64(number) << 33 : 0))
      #expect(packet.comments == (0..<number % 3).map { "comment \($0) of \(number)" })
    }
    #expect(file.statistics.map(\.lost) == [10, 1 << 33] && file.statistics.map(\.accepted) == [30, 1 << 40])
  }

  @Test func `libpcap reads the packets and their times`() throws {
    let path = "/tmp/xsk-pcapng-\(getpid())-\(UInt32.random(in: .min ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    // libpcap wants the same link type and snap length of all interfaces.
    var encoder = PcapngEncoder()
    encoder.beginSection(application: "test")
    for name in ["a", "b"] { encoder.addInterface(name: name, description: name, snapLength: 262_144) }
    for (number, packet) in Self.packets.enumerated() {
      encoder.addPacket(
        packet.packet, length: packet.count, interface: number % 2, nanoseconds: 1_763_000_000_000_000_007,
        direction: .inbound, queue: 0, comments: ["dropped: policy"])
    }
    encoder.addStatistics(interface: 0, nanoseconds: 5, accepted: 30, lost: 10, written: 20)
    try Data(encoder.take()).write(to: URL(fileURLWithPath: path))
    let read = try readAll(path)
    #expect(read.damage == nil && read.link == .ethernet && read.packets.map(\.bytes) == Self.packets)
    #expect(read.packets.allSatisfy { $0.record.seconds == 1_763_000_000 && $0.record.nanoseconds == 7 })
  }

  @Test(arguments: [1, 3, 7, 64, 100_000]) func `a follower hands out whole blocks and counts them`(size: Int) throws {
    let bytes = Self.compose()
    var follower = PcapngFollower()
    var copied: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      copied += try follower.add(Array(bytes[start..<min(bytes.count, start + size)]))
      // At any time what was written is a capture.
      if !copied.isEmpty { _ = try PcapngFile(copied) }
    }
    #expect(copied == bytes && follower.packets == 41 && follower.lost == 10 + 1 << 33)
  }

  @Test func `a follower refuses what is no capture and survives any damage`() throws {
    for bytes in [Array("HTTP/1.1 200 OK\r\n".utf8), [UInt8](repeating: 0, count: 64)] {
      #expect(
        problem {
          var follower = PcapngFollower(); _ = try follower.add(bytes)
        } != nil)
    }
    var random = SeededGenerator(9)
    let good = Self.compose()
    for _ in 0..<2000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      var follower = PcapngFollower()
      if let copied = try? follower.add(bytes) { #expect(copied.count <= bytes.count) }
    }
  }
}
