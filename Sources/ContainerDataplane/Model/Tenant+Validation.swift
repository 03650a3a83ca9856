import TenantAPI
public import XSKEngine

extension Tenant {
  /// Ports that a dataplane can keep for tenants.
  public static var portRange: ClosedRange<Int> { 0...249 }
  /// The smallest MTU of IPv4, and what a veth can have at most.
  public static var mtuRange: ClosedRange<Int> { 68...65_535 }
  /// The smallest MTU of IPv6 (RFC 8200 section 5).
  public static var mtuOfIPv6: Int { 1280 }
  /// Numbers of a physical device's queues.
  public static var physicalQueueRange: ClosedRange<Int> { 0...65_534 }
  /// Addresses of a tenant at most.
  public static var mostAddresses: Int { 16 }

  /// Everything that is wrong with it, in the order of its keys.
  public func problems() -> [XSKError] {
    var list = ProblemList(subject: TenantNames.isLine(id, atMost: 128) ? "tenant \(id)" : "tenant")
    list.check(
      TenantNames.isID(id), "id", id, "no attachment's id",
      "use 1 to 128 letters, digits, _ . and -, the first a letter or digit")
    list.check(TenantNames.isLine(name, atMost: 253), "name", name, "no name", "use 1 to 253 characters of one line")
    list.check(
      namespace.hasPrefix("/") && TenantNames.isLine(namespace, atMost: 4095), "namespace", namespace,
      "no absolute path", "name a network namespace, as /run/netns/NAME or /proc/PID/ns/net")
    for (key, value) in [("device", device), ("hostDevice", hostDevice)] {
      list.check(
        TenantNames.isDevice(value), key, value, "no device's name",
        "use at most 15 characters, without spaces, slashes and colons")
    }
    for (key, value) in [("mac", mac), ("hostMAC", hostMAC)] {
      list.check(
        TenantAddress.mac(value) != nil, key, value, "no device's own MAC address",
        "write a unicast address, like 02:00:00:00:00:01")
    }
    checkAddresses(&list)
    let least =
      ipAddresses.contains { if case .ipv6 = $0 { true } else { false } } ? Self.mtuOfIPv6 : Self.mtuRange.lowerBound
    list.check(
      (least...Self.mtuRange.upperBound).contains(mtu), "mtu", "\(mtu)", "out of range",
      "use \(least) to \(Self.mtuRange.upperBound)")
    list.check(vlan.map { (1...4094).contains($0) } ?? true, "vlan", "\(vlan ?? 0)", "no VLAN's id", "use 1 to 4094")
    list.check(
      physicalQueues == nil ? TenantNames.isWord(policy) : policy.isEmpty, "policy", policy,
      physicalQueues == nil ? "no policy's name" : "no policy sees its packets",
      physicalQueues == nil ? "use 1 to 64 letters, digits, _ - and ." : "leave it empty")
    list.problems += quota.problems(of: list.subject)
    list.check(
      cgroup.map { $0.hasPrefix("/") && TenantNames.isLine($0, atMost: 4095) } ?? true, "cgroup", cgroup ?? "",
      "no absolute path", "write it as /proc/PID/cgroup does")
    list.check(
      port.map(Self.portRange.contains) ?? true, "port", "\(port ?? 0)", "no spare port",
      "use \(Self.portRange.lowerBound) to \(Self.portRange.upperBound)")
    list.check(
      TenantNames.isLine(createdAt, atMost: 64), "createdAt", createdAt, "no time", "write it as 2026-01-31T12:00:00Z")
    if let physicalQueues { check(physicalQueues, &list) }
    return list.problems
  }

  /// Throws the first thing that is wrong with it.
  public func check() throws(XSKError) {
    if let problem = problems().first { throw problem }
  }

  private func checkAddresses(_ list: inout ProblemList) {
    list.check(
      addresses.count <= Self.mostAddresses, "addresses", "\(addresses.count) of them", "too many",
      "use \(Self.mostAddresses) at most")
    list.check(
      !addresses.isEmpty || vlan != nil || physicalQueues != nil, "addresses", "none", "nothing would reach it",
      "give it an address, or a VLAN of its own")
    let inNetwork = physicalQueues != nil
    for address in addresses.prefix(Self.mostAddresses) {
      list.check(
        TenantAddress.address(address, inNetwork: inNetwork) != nil, "addresses", address,
        inNetwork ? "no address with its length" : "no address of one host",
        "write a unicast address that is not link-local, like "
          + (inNetwork ? "10.1.0.5/24 or fd00::5/64" : "10.1.0.5/32 or fd00::5/128"))
    }
  }

  private func check(_ physical: PhysicalQueues, _ list: inout ProblemList) {
    list.check(
      TenantNames.isDevice(physical.device) && physical.device == hostDevice, "physicalQueues.device", physical.device,
      "not the name in hostDevice", "write the device's name in both")
    list.check(
      TenantQuota.socketsRange.contains(physical.queues.count)
        && physical.queues.allSatisfy(Self.physicalQueueRange.contains)
        && Set(physical.queues).count == physical.queues.count, "physicalQueues.queues", "\(physical.queues)",
      "no queues of a device",
      "name \(TenantQuota.socketsRange.lowerBound) to \(TenantQuota.socketsRange.upperBound), each once")
    list.check(
      physical.pciID.map { TenantNames.isLine($0, atMost: 64) } ?? true, "physicalQueues.pciID", physical.pciID ?? "",
      "no PCI address", "write it as 0000:3b:00.1")
    for (key, isThere) in [("port", port != nil), ("vlan", vlan != nil), ("bandwidth", bandwidth != nil)] {
      list.check(!isThere, key, "set", "the dataplane has none of its packets", "take it out, or physicalQueues")
    }
  }
}

/// Problems of one thing, as they are found.
struct ProblemList {
  let subject: String
  var problems: [XSKError] = []

  init(subject: String) { self.subject = subject }

  mutating func check(_ isGood: Bool, _ key: String, _ value: String, _ problem: String, _ remedy: String) {
    guard !isGood else { return }
    problems.append(XSKError("\(subject): \(key) \"\(Self.shorten(value))\"", problem, remedy: remedy))
  }

  /// One line, and no control characters: it goes to terminals and logs.
  static func shorten(_ value: String) -> String {
    let clean = value.unicodeScalars.lazy.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0 }
    let text = String(String.UnicodeScalarView(clean.prefix(81)))
    return text.unicodeScalars.count > 80 ? String(text.unicodeScalars.prefix(79)) + "…" : text
  }
}
