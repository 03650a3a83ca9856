import Testing
import XSKLab

@testable import XSKEngine

/// Two networks, and the machine between them that runs `xskfwd run`:
///
///     left ── l0 ═ m0 ── middle ── m1 ═ r0 ── right
///     10.1.0.10   10.1.0.1      10.2.0.1   10.2.0.20
///
/// IPv6 likewise: 2001:db8:1::10, ::1, and 2001:db8:2::1, ::20. The hosts' default routes lead to the middle, whose kernel
/// forwards nothing.
struct RoutedLab {
  let left: NetworkNamespace
  let middle: NetworkNamespace
  let right: NetworkNamespace

  static let leftMAC: LinkAddress = "02:00:00:00:01:10"
  static let rightMAC: LinkAddress = "02:00:00:00:02:20"
  static let middleMAC: LinkAddress = "02:00:00:00:01:01"

  /// - Parameters:
  ///   - isQuiet: no IP addresses, so that no stack says anything by itself.
  ///   - hasRouter: the middle has addresses, and with them a stack that answers.
  init(isQuiet: Bool = false, hasRouter: Bool = true) throws {
    left = try NetworkNamespace("left")
    middle = try NetworkNamespace("middle")
    right = try NetworkNamespace("right")
    func addresses(_ list: [String], _ isThere: Bool = true) -> [String] { isQuiet || !isThere ? [] : list }
    _ = try VethPair(
      VethEnd("l0", in: left, address: Self.leftMAC, addresses: addresses(["10.1.0.10/24", "2001:db8:1::10/64"])),
      VethEnd(
        "m0", in: middle, address: Self.middleMAC, addresses: addresses(["10.1.0.1/24", "2001:db8:1::1/64"], hasRouter))
    )
    _ = try VethPair(
      VethEnd("m1", in: middle, addresses: addresses(["10.2.0.1/24", "2001:db8:2::1/64"], hasRouter)),
      VethEnd("r0", in: right, address: Self.rightMAC, addresses: addresses(["10.2.0.20/24", "2001:db8:2::20/64"])))
    guard !isQuiet else { return }
    for (host, gateways) in [(left, ["10.1.0.1", "2001:db8:1::1"]), (right, ["10.2.0.1", "2001:db8:2::1"])] {
      for gateway in gateways { try Self.run(host, "ip", "route", "add", "default", "via", gateway) }
    }
    try setForwarding(false)
  }

  /// Whether the middle's kernel forwards.
  func setForwarding(_ isOn: Bool) throws {
    try Self.run(middle, "sh", "-c", "echo \(isOn ? 1 : 0) > /proc/sys/net/ipv4/ip_forward")
  }

  @discardableResult
  static func run(
    _ namespace: NetworkNamespace, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let result = try namespace.run(words)
    try #require(result.succeeded, "\(words) \(result.errors)", sourceLocation: sourceLocation)
    return result.output + result.errors
  }

  /// Routes between the two networks, and what rules are given ahead of it.
  static func routing(_ rules: [String] = [], ports: String? = nil) -> String {
    """
    version: 1
    ports:
      lan: {device: m0, addresses: [10.1.0.1/24, "2001:db8:1::1/64"]}
      wan: {device: m1, addresses: [10.2.0.1/24, "2001:db8:2::1/64"]}
    neighbours:
      10.1.0.10: {mac: "\(leftMAC)", port: lan}
      "2001:db8:1::10": {mac: "\(leftMAC)", port: lan}
      10.2.0.20: {mac: "\(rightMAC)", port: wan}
      "2001:db8:2::20": {mac: "\(rightMAC)", port: wan}
    default: route

    """ + list("rules", rules)
  }

  /// Ports `lan` and `wan` without addresses, and rules; the default drops.
  static func bridging(_ rules: [String], _ more: String = "") -> String {
    """
    version: 1
    ports:
      lan: {device: m0}
      wan: {device: m1}

    """ + more + list("rules", rules)
  }

  private static func list(_ key: String, _ lines: [String]) -> String {
    lines.isEmpty ? "" : "\(key):\n" + lines.map { "  - \($0)\n" }.joined()
  }

  /// Whether a host answers another; the first packets of a new path may be lost.
  func answers(_ address: String, from namespace: NetworkNamespace? = nil, within limit: Duration = patience) throws
    -> Bool
  {
    try eventually(limit) {
      try Ping.run(from: namespace ?? left, to: address, count: 1, timeout: .milliseconds(200)).isComplete
    }
  }

  /// A UDP frame from left to right, as a bridge passes it.
  static func frame(port: UInt16 = 9, size: Int = 64, source: String = "198.51.100.1") throws -> [UInt8] {
    var template = FrameTemplate(
      sourceAddress: leftMAC, destinationAddress: rightMAC, source: source, destination: "10.2.0.20")
    template.destinationPort = port
    return try template.frame(size: size)
  }
}
