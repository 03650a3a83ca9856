import CCaptures
import Captures
import PacketSamples
import Testing
import XSKEngine

/// Filters as libpcap compiles them, run by us and by libpcap.
@Suite struct FilterExpressionTests {
  static let expressions = [
    "", "ip", "ip6", "arp", "tcp port 80", "udp", "host 10.0.0.1", "net 10.0.0.0/8 and not port 22",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0", "ip[2:2] > 60", "len <= 80", "greater 100", "ether src 02:00:00:00:00:01",
    "vlan 5 and udp", "vlan and vlan and tcp", "ip6 and tcp dst port 8000", "portrange 1000-2000",
    "icmp or (udp and ip[8] < 5)", "ip[((ip[0] & 0xf) << 2) + 2 : 2] = 8000",
    "ether[0] & 1 = 0 and ip[6:2] & 0x1fff = 0",
    "len / 7 = 12 or len % 3 = 1", "ip[0] * 3 - 1 > 60 or (ip[8] | 1) ^ 3 = 10", "sctp", "mpls", "pppoes",
  ]

  /// Packets of many kinds, whole, cut short, and damaged.
  static func packets(_ seed: UInt64) -> [[UInt8]] {
    var random = PacketSamples.SeededGenerator(seed)
    return (0..<300).map { number in
      var packet = SamplePacket { sample in
        sample.isIPv6 = number % 3 == 0
        sample.transport = [.tcp, .udp, .icmp, .other(132)][number % 4]
        sample.vlans = number % 5 == 0 ? [(0x8100, 5)] : number % 7 == 0 ? [(0x88A8, 5), (0x8100, 9)] : []
        sample.sourcePort = [80, 22, 1500, 8000][Int.random(in: 0..<4, using: &random)]
        sample.destinationPort = [80, 22, 1999, 8000][Int.random(in: 0..<4, using: &random)]
        sample.timeToLive = UInt8.random(in: 1...9, using: &random)
        sample.ipv4Options = number % 11 == 0 ? [1, 1, 1, 1] : []
        sample.payload = [UInt8](repeating: 7, count: Int.random(in: 0...120, using: &random))
      }.frame
      if number % 6 == 0 { packet = Array(packet.prefix(Int.random(in: 0...packet.count, using: &random))) }
      if number % 9 == 0, !packet.isEmpty {
        packet[Int.random(in: 0..<packet.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      return packet
    }
  }

  @Test(arguments: expressions) func `a filter matches what libpcap says it matches`(expression: String) throws {
    let filter = try PacketFilter(expression: expression)
    #expect(try PacketFilter(text: filter.text) == filter)
    var matched = 0
    for packet in Self.packets(3) {
      let expected = Self.peer(filter, packet, length: packet.count)
      #expect(filter.matches(packet.packet, length: packet.count) == expected, "\(packet)")
      if expected { matched += 1 }
      // Only the packet's first bytes are there.
      let head = Array(packet.prefix(packet.count / 2))
      #expect(filter.matches(head.packet, length: packet.count) == Self.peer(filter, head, length: packet.count))
    }
    if expression == "" { #expect(matched == 300) }
  }

  /// Programs that no compiler makes: whatever is accepted ends, and means the same.
  @Test func `random programs that are accepted do as libpcap's do`() throws {
    var random = PacketSamples.SeededGenerator(11)
    let codes: [UInt16] = [
      0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xB1, 0x02, 0x03, 0x04, 0x14, 0x24, 0x34,
      0x44, 0x54, 0x64, 0x74, 0x84, 0x94, 0xA4, 0x0C, 0x1C, 0x2C, 0x3C, 0x4C, 0x5C, 0x6C, 0x7C, 0x9C, 0xAC, 0x05, 0x15,
      0x25, 0x35, 0x45, 0x1D, 0x2D, 0x3D, 0x4D, 0x06, 0x16, 0x07, 0x87,
    ]
    let packets = Self.packets(5).prefix(20)
    var accepted = 0
    // libpcap leaves a program's words as they are: all are set first.
    let zeroes = (0..<16).map { PacketFilter.Instruction(code: 0x02, operand: $0) }
    for _ in 0..<20_000 {
      let count = Int.random(in: 1...12, using: &random)
      var program =
        zeroes
        + (0..<count).map { place in
          PacketFilter.Instruction(
            code: codes.randomElement(using: &random) ?? 0,
            jumpTrue: UInt8.random(in: 0...3, using: &random), jumpFalse: UInt8.random(in: 0...3, using: &random),
            operand: UInt32.random(in: 0...40, using: &random))
        }
      program.append(.init(code: 0x16, operand: 0))
      guard let filter = try? PacketFilter(program) else { continue }
      accepted += 1
      for packet in packets {
        let expected = Self.peer(filter, packet, length: packet.count)
        try #require(filter.matches(packet.packet, length: packet.count) == expected, "\(filter.text)")
      }
    }
    #expect(accepted > 1000)
  }

  @Test(arguments: [
    ("tcp prt 80", "filter 'tcp prt 80': is not understood ("),
    ("host example.invalid.", "filter 'host example.invalid.': is not understood ("),
    ("ip6 protochain 6", "filter 'ip6 protochain 6': can't run in a worker ("),
    (
      (1...400).map { "host 10.1.\($0 / 250).\($0 % 250)" }.joined(separator: " or "),
      "instructions, where 512 are possible; make it shorter"
    ),
  ]) func `what can't be a filter is refused with its reason`(expression: String, expected: String) {
    let found = problem { _ = try PacketFilter(expression: expression) }
    #expect(found?.contains(expected) == true, "\(found ?? "accepted")")
  }

  static func peer(_ filter: PacketFilter, _ packet: [UInt8], length: Int) -> Bool {
    let instructions = filter.instructions.map {
      ccaptures_instruction(code: $0.code, jump_true: $0.jumpTrue, jump_false: $0.jumpFalse, operand: $0.operand)
    }
    // Safe: the packet has as many bytes as is said, and the program was checked.
    return unsafe ccaptures_matches(
      instructions, packet.isEmpty ? [0] : packet, UInt32(length), UInt32(packet.count)) != 0
  }
}
