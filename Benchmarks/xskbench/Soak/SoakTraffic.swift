import Forwarder
import PacketHeaders
import XSKEngine
import XSKLab

/// Packets of many flows that can be told apart again: each says which it is, and has a sum over what must arrive unchanged.
///
///     Ethernet · IPv4 · UDP or TCP │ mark 8 B │ flow 4 B │ number 4 B │ sum 8 B │ filling …
struct SoakTraffic {
  static let flows = 32
  static let mark: UInt64 = 0x736F_616B_2D78_736B
  /// Of the mark and what follows it.
  static let tagBytes = 24

  private let headers: [[UInt8]]
  private var numbers = [UInt32](repeating: 0, count: flows)
  private var sequences = [UInt32](repeating: 1, count: flows)

  init() throws(XSKError) {
    var headers: [[UInt8]] = []
    for flow in 0..<Self.flows {
      var template = FrameTemplate(
        sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
        source: "198.18.\(flow % 4).\(flow + 1)", destination: "203.0.113.\(flow + 1)",
        transport: flow % 2 == 0 ? .tcp : .udp)
      template.sourcePort = UInt16(20_000 + flow)
      template.hasUDPChecksum = false
      headers.append(Array(try template.frame(size: 1514).prefix(template.headerBytes)))
    }
    self.headers = headers
  }

  /// The next packet of a flow, `size` bytes of payload or the tag's.
  mutating func packet(flow: Int, size: Int) -> [UInt8] {
    let payload = max(Self.tagBytes, size)
    var bytes = headers[flow]
    let isTCP = flow % 2 == 0
    put(UInt16(20 + (isTCP ? 20 : 8) + payload), at: 16, in: &bytes)
    put(UInt16(truncatingIfNeeded: numbers[flow]), at: 18, in: &bytes)
    if isTCP {
      put(sequences[flow], at: 38, in: &bytes)
      sequences[flow] &+= UInt32(payload)
    } else {
      put(UInt16(8 + payload), at: 38, in: &bytes)
    }
    put(UInt16(0), at: 24, in: &bytes)
    put(Self.headerSum(bytes), at: 24, in: &bytes)
    let tag = bytes.count
    for word in [Self.mark, UInt64(flow) << 32 | UInt64(numbers[flow])] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    numbers[flow] &+= 1
    for _ in 0..<8 { bytes.append(0) }
    bytes.append(contentsOf: (0..<payload - Self.tagBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ flow) })
    put(Self.sum(bytes, from: tag), at: tag + 16, in: &bytes)
    return bytes
  }

  /// What a packet says that it is.
  struct Tag {
    let flow: Int
    let number: UInt32
    /// The sum over it is right.
    let isIntact: Bool
  }

  /// Reads a packet's tag; nil: it has none, because it was damaged, or is the router's own.
  static func tag(of packet: RawSpan) -> Tag? {
    // Safe: copied while the span is borrowed.
    let bytes = unsafe packet.withUnsafeBytes { unsafe Array($0) }
    guard bytes.count >= 42 + tagBytes, bytes[12] == 8, bytes[13] == 0, bytes[14] == 0x45 else { return nil }
    let start = bytes[23] == 6 ? 54 : 42
    guard bytes.count >= start + tagBytes, number(bytes, start, 8) == mark else { return nil }
    let flow = Int(number(bytes, start + 8, 4))
    guard flow < flows else { return nil }
    var blank = bytes
    for index in start + 16..<start + 24 { blank[index] = 0 }
    let isSumRight = number(bytes, start + 16, 8) == sum(blank, from: start)
    let isHeaderRight = headerSum(bytes) == 0
    return Tag(
      flow: flow, number: UInt32(number(bytes, start + 12, 4)), isIntact: isSumRight && isHeaderRight)
  }

  /// RFC 1071 over an IPv4 header without options; 0 of one whose checksum is right.
  private static func headerSum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for offset in stride(from: 14, to: 34, by: 2) { sum += UInt32(bytes[offset]) << 8 | UInt32(bytes[offset + 1]) }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
    return ~UInt16(truncatingIfNeeded: sum)
  }

  /// FNV-1a.
  private static func sum(_ bytes: [UInt8], from start: Int) -> UInt64 {
    bytes[start...].reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
    bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int, in bytes: inout [UInt8]) {
    let count = Number.bitWidth / 8
    for place in 0..<count {
      bytes[offset + place] = UInt8(truncatingIfNeeded: number >> (Number.bitWidth - 8 - 8 * place))
    }
  }
}

/// Policies that take turns: they forward, route or drop, under other rules each.
enum SoakPolicy {
  /// The reasons that its rules drop for; numbers that stay the same over all of them.
  private static let reasons: [String: DropReason] = [
    "policy": .policy, "rate_limit": .rateLimit, "idle": .custom(0), "odd": .custom(1), "even": .custom(2),
  ]
  static let reasonNames: [DropReason: String] = DropReason.pipelineNames.merging(
    [.custom(0): "idle", .custom(1): "odd", .custom(2): "even"]) { first, _ in first }

  /// - Parameters:
  ///   - number: chooses how many rules it has, and what its last rule calls what it drops.
  ///   - routes: what no rule decides about is routed, otherwise forwarded as it is.
  static func make(
    _ number: Int, routes: Bool, devices: [String] = ["sim0", "sim1"], egress: Int = 1
  ) throws(XSKError) -> Policy {
    var configuration = ForwarderConfiguration(
      ports: [ForwarderPort("in", device: devices[0]), ForwarderPort("out", device: devices[1])])
    var rules: [Rule] = []
    for rule in 0..<number % 7 {
      rules.append(
        Rule(
          "idle-\(rule)",
          RuleMatch {
            $0.ipProtocol = [.udp]
            $0.destinationPort = [UInt16(1 + rule)...UInt16(1 + rule)]
          }, .drop("idle")))
    }
    rules.append(
      Rule("some", RuleMatch { $0.source = [.ipv4(0xC612_0300, length: 24)] }, .drop(number % 2 == 0 ? "odd" : "even")))
    configuration.rules = RuleSet(rules, default: routes ? .route : .forward(port: egress))
    var list = RouteList<UInt32>()
    try list.set(IPv4Prefix(masking: 0, length: 0), 0)
    let hop = NextHop(port: UInt8(egress), destination: 0x0200_0000_0B02, source: 0x0200_0000_0B01)
    return try Policy(
      configuration, facts: [], routes: try Routes(ipv4: list, ipv6: RouteList(), hops: [hop], routers: []),
      reasons: reasons)
  }
}
