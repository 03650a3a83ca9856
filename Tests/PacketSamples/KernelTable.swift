/// The cases of the kernel's own GRO self-test (tools/testing/selftests/net/gro.c), and what they must deliver.
public enum KernelTable {
  public enum Version: Sendable { case both, ipv4, ipv6 }

  public struct Row: Sendable, CustomStringConvertible {
    public let name: String
    public var version = Version.both
    public let bursts: [[SamplePacket]]
    /// Payload lengths, in order.
    public let delivered: [Int]
    /// In chain mode, where it differs: checksums are the receiver's business there.
    public var inChainMode: [Int]?
    public var description: String { name }

    init(_ name: String, _ version: Version, _ bursts: [[SamplePacket]], _ delivered: [Int]) {
      (self.name, self.version, self.bursts, self.delivered) = (name, version, bursts, delivered)
    }

    init(_ name: String, _ bursts: [[SamplePacket]], _ delivered: [Int], chain: [Int]? = nil) {
      (self.name, self.bursts, self.delivered, inChainMode) = (name, bursts, delivered, chain)
    }
  }

  static func flagged(_ flag: UInt8) -> [[SamplePacket]] {
    [[data(0), data(100), data(200, 0) { $0.tcpFlags = 0x10 | flag }, data(300), data(400)]]
  }

  static func timestamps(_ value: UInt8) -> [UInt8] { [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0] }

  static func numbered(_ numbers: [UInt16], dontFragment: Bool = true) -> [[SamplePacket]] {
    [
      numbers.enumerated().map { place, number in
        data(UInt32(place * 100)) { ($0.identification, $0.dontFragment) = (number, dontFragment) }
      }
    ]
  }

  static let sizes: [Row] = [
    Row("same", [[data(0), data(100)]], [200]),
    Row("large small", [[data(0), data(100, 50)]], [150]),
    Row("large 1 byte", [[data(0), data(100, 1)]], [101]),
    Row("small large", [[data(0, 50), data(50)]], [50, 100]),
    Row("two bursts", [[data(0), data(100)], [data(200), data(300)]], [200, 200]),
    Row("largest", .ipv4, [largest(1460, 65_535 - 40)], [65_495, 1_255]),
    Row("largest", .ipv6, [largest(1440, 65_535 - 60)], [65_475, 675]),
    Row("capacity", [capacity], [Int](repeating: 400, count: 8)),
  ]

  /// Full segments and a remainder up to `total`, then another of the remainder's size.
  static func largest(_ size: Int, _ total: Int) -> [SamplePacket] {
    var packets = (0..<total / size).map { data(UInt32($0 * size), size) }
    packets.append(data(UInt32(total / size * size), total % size))
    return packets + [data(UInt32(total), total % size)]
  }

  static var capacity: [SamplePacket] {
    (0..<16).map { place in data(UInt32(place / 8 * 200), 200) { $0.sourcePort = 1500 + UInt16(place % 8) } }
  }

  static let flags: [Row] = [
    Row("pure acknowledgements", [[data(0, 0), data(0, 0), data(0, 0)]], [0, 0, 0]),
    Row("PSH", [[data(0), data(100), data(200) { $0.tcpFlags = 0x18 }, data(300), data(400)]], [300, 200]),
    Row("SYN", flagged(0x02), [200, 0, 200]), Row("RST", flagged(0x04), [200, 0, 200]),
    Row("URG", flagged(0x20), [200, 0, 200]),
    Row(
      "CWR",
      [[data(0), data(100) { $0.tcpFlags = 0x90 }, data(200) { $0.tcpFlags = 0x90 }, data(300), data(400)]],
      [100, 200, 200]),
    Row("bad TCP checksum", [[data(0), data(100) { $0.checksumError = 1 }]], [100, 100], chain: [200]),
    Row("sequence gap", [[data(0), data(200)]], [100, 100]),
    Row(
      "timestamps",
      [
        [
          data(0) { $0.tcpOptions = timestamps(0) }, data(100) { $0.tcpOptions = timestamps(0) },
          data(200) { $0.tcpOptions = timestamps(100) },
          data(300) { $0.tcpOptions = [1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1] },
          data(400) { $0.tcpOptions = [8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1] },
        ]
      ], [200, 100, 100, 100]),
    Row(
      "different option",
      [
        [
          data(0) { $0.tcpOptions = timestamps(0) }, data(100) { $0.tcpOptions = timestamps(0) },
          data(200) { $0.tcpOptions = [1, 3, 3, 7] },
        ]
      ], [200, 100]),
  ]

  static let network: [Row] = [
    Row("ECN differs", [[data(0), data(100) { $0.trafficClass = 3 }]], [100, 100]),
    Row("TOS differs", [[data(0), data(100) { $0.trafficClass = 0xE0 }]], [100, 100]),
    Row("TTL differs", [[data(0), data(100) { $0.timeToLive = 7 }]], [100, 100]),
    Row("IP options", .ipv4, [[data(0), data(100) { $0.ipv4Options = [7, 3, 4, 0] }, data(200)]], [100, 100, 100]),
    Row("fragment", .ipv4, [[data(0), data(100) { $0.moreFragments = true }]], [100, 100]),
    Row("ID +1, DF", .ipv4, numbered([8, 9]), [200]),
    Row("ID +1, no DF", .ipv4, numbered([8, 9], dontFragment: false), [200]),
    Row("ID fixed, DF", .ipv4, numbered([8, 8]), [200]),
    Row("ID fixed, no DF", .ipv4, numbered([8, 8], dontFragment: false), [200]),
    Row("ID +1 then fixed", .ipv4, numbered([8, 9, 9]), [200, 100]),
    Row("ID fixed then +1", .ipv4, numbered([8, 8, 9]), [200, 100]),
    Row("ID wraps", .ipv4, numbered([0xFFFE, 0xFFFF, 0, 1]), [400]),
    Row("ID gap", .ipv4, numbered([8, 10]), [100, 100]),
    Row(
      "fragment in the second burst", .ipv6,
      [[data(0), data(100)], [data(200) { $0.extensions = [.fragment(offset: 0, more: false)] }, data(300)]],
      [200, 100, 100]),
    Row(
      "same extension", .ipv6,
      [[data(0) { $0.extensions = [.padding(0)] }, data(100) { $0.extensions = [.padding(0)] }]], [200]),
    Row(
      "different extension", .ipv6,
      [[data(0) { $0.extensions = [.padding(0)] }, data(100) { $0.extensions = [.padding(0, fill: 1)] }]], [100, 100]),
  ]

  /// Every row, for IPv4 (false), IPv6 (true), or both.
  public static let cases: [(Row, Bool)] = (sizes + flags + network).flatMap { row in
    [false, true].filter { $0 ? row.version != .ipv4 : row.version != .ipv6 }.map { (row, $0) }
  }
}

/// A segment of the flow that the kernel's self-test uses.
public func data(
  _ offset: UInt32, _ length: Int = 100, _ change: (inout SamplePacket) -> Void = { _ in }
) -> SamplePacket {
  var packet = SamplePacket()
  (packet.sequence, packet.payload) = (offset, SamplePacket.fill(length, from: Int(offset % 65_536)))
  change(&packet)
  return packet
}
