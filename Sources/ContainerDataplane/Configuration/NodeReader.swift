import ConfigurationFile
import Forwarder
import XSKEngine

/// The mappings of the file that are not the forwarder's.
extension Section {
  static let node = Section(
    "node",
    ["version", "uplinks", "queues", "capacity", "engine", "quota", "sets", "policies", "routes", "neighbours"],
    required: ["version"])
  static let capacity = Section("capacity", ["tenants", "frames"])
  static let quota = Section("quota", ["umem", "frames", "sockets"])
}

extension ConfigurationReader {
  /// - Parameter queues: how many queues a device has; nil: it isn't there, or nobody has looked.
  mutating func readNode(_ root: Element, queues: (String) -> Int?) -> NodeConfiguration? {
    guard let fields = fields(root, .node) else { return nil }
    readVersion(fields)
    var node = NodeConfiguration()
    node.uplinks = readUplinks(fields["uplinks"])
    if let element = fields["queues"] {
      node.queuePools = readQueuePools(element, uplinks: node.uplinks.map(\.device), count: queues)
    }
    if let capacity = fields["capacity"] { readCapacity(capacity, &node) }
    readNodeEngine(fields["engine"], &node)
    if let quota = fields["quota"] { readQuota(quota, &node.quota) }
    node.sets = readSets(fields["sets"])
    if let policies = fields["policies"] { readPolicies(policies, &node) }
    // Routes are read as the forwarder's, whose ports are the uplinks.
    var forwarder = ForwarderConfiguration(ports: node.uplinks)
    forwarder.neighbours = readNeighbours(fields["neighbours"])
    readRoutes(fields["routes"], into: &forwarder)
    (node.neighbours, node.routes, node.kernelRoutes) = (
      forwarder.neighbours, forwarder.routes, forwarder.kernelRoutes
    )
    return node
  }

  private mutating func readUplinks(_ element: Element?) -> [ForwarderPort] {
    guard let element, let entries = entries(element, "an uplink's name, and its device below it") else { return [] }
    guard entries.count <= 4 else {
      report(element, "\(entries.count) uplinks", "define 4 at most")
      return []
    }
    var uplinks: [ForwarderPort] = []
    for entry in entries {
      check(word: entry)
      portNames.append(entry.key)
      for key in ["tap", "punt", "promiscuous"] {
        let field = fieldElement(entry.element, key)
        guard field.path != entry.element.path else { continue }
        report(field, value: field.text, "not an uplink's to have", "take it out")
      }
      let before = problems.count
      let port = readPort(entry)
      if port.device == "lo" { reportLoopback(fieldElement(entry.element, "device")) }
      if problems.count == before, uplinks.contains(where: { $0.device == port.device }) {
        report(
          fieldElement(entry.element, "device"), value: port.device, "another uplink has the same device",
          "give each uplink a device of its own")
      }
      uplinks.append(port)
    }
    return uplinks
  }

  mutating func reportLoopback(_ device: Element) {
    report(
      device, value: "lo", "the loopback device: nothing but this host's own packets come there",
      "name a device that leads out of this host")
  }

  private mutating func readCapacity(_ element: Element, _ node: inout NodeConfiguration) {
    guard let fields = fields(element, .capacity) else { return }
    node.capacity = integer(fields["tenants"], NodeConfiguration.capacityRange) ?? node.capacity
    node.framesPerTenant = integer(fields["frames"], NodeConfiguration.framesRange) ?? node.framesPerTenant
  }

  private mutating func readNodeEngine(_ element: Element?, _ node: inout NodeConfiguration) {
    node.engine = readEngine(element)
    guard let element, node.engine.groHold > 0 else { return }
    report(
      fieldElement(element, "gro-hold"), value: "\(node.engine.groHold)", "tenants' packets are not held back",
      "take it out")
  }

  private mutating func readQuota(_ element: Element, _ quota: inout TenantQuota) {
    guard let fields = fields(element, .quota) else { return }
    quota.umemBytes = value(fields["umem"], "an amount of memory, 16M", AmountValue.bytes) ?? quota.umemBytes
    quota.frames = integer(fields["frames"], TenantQuota.framesRange) ?? quota.frames
    quota.sockets = integer(fields["sockets"], TenantQuota.socketsRange) ?? quota.sockets
  }
}

/// Amounts with suffixes.
enum AmountValue {
  /// `16M`: bytes, with K, M or G for 1024 each.
  static func bytes(_ text: String) throws(ValueFault) -> Int {
    let range = TenantQuota.umemBytesRange
    guard let bytes = amount(text, unit: 1024), range.contains(bytes) else {
      throw ValueFault("no amount of memory", "write it like 16M: 64K to 4G")
    }
    return bytes
  }

  /// `1M`, `2500`: packets or bits a second, with k, M or G for 1000 each; also as rates are written elsewhere,
  /// `100 kpps`, `1 Gbit/s`.
  static func rate(_ text: String, _ unit: RateLimit.Unit) throws(ValueFault) -> Int {
    if let number = amount(text, unit: 1000) { return number }
    if let rate = try? RateValue.rate(text), rate.unit == unit { return rate.perSecond }
    throw ValueFault(
      "no rate of \(unit)", unit == .packets ? "write it like 100k or 100 kpps" : "write it like 1G or 1 Gbit/s")
  }

  private static func amount(_ text: String, unit: Int) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), digits.count <= 12 else { return nil }
    let powers = ["": 0, "k": 1, "m": 2, "g": 3]
    guard let power = powers[text.dropFirst(digits.count).lowercased()] else { return nil }
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: (0..<power).reduce(1) { one, _ in one * unit })
    return isTooLarge ? nil : product
  }
}
