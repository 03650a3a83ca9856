import TenantAPI

/// The network configuration that a runtime gives on standard input.
struct NetworkConfiguration {
  let version: CNIVersion
  let name: String
  /// As it came, for plugins that this one calls.
  let bytes: [UInt8]
  private let members: [String: JSONValue]

  /// Where xskd listens unless the configuration says otherwise.
  static let standardSocket = "/run/xskd/xskd.sock"

  /// Keys of CNI's own, and those that runtimes add; and ours.
  private static let common: Set<String> = [
    "cniVersion", "name", "type", "args", "capabilities", "runtimeConfig", "prevResult", "ipam", "ipMasq", "dns",
    "disableCheck", "disableGC",
    // As meta-plugins write down the device that a device plugin has allocated (Multus).
    "deviceID", "pciBusID",
  ]
  private static let own: Set<String> = ["socket", "tier", "mtu", "policy", "vlan", "uid", "quota"]

  /// - Parameter command: what is not understood is an error where something is made, but never keeps from cleaning up.
  init(_ bytes: [UInt8], for command: PluginEnvironment.Command) throws(CNIError) {
    guard let members = JSONValue(parsing: bytes)?.object else {
      throw CNIError(
        .decoding, "standard input: no JSON object; give the network configuration",
        details: "\(bytes.count) bytes")
    }
    guard let version = members["cniVersion"]?.string else {
      throw CNIError(.incompatibleVersion, "cniVersion: missing; write the version of the specification")
    }
    self.version = try CNIVersion(named: version)
    self.bytes = bytes
    self.members = members
    guard let name = members["name"]?.string, AttachmentName.isWellFormed(name) else {
      throw CNIError(
        .invalidConfiguration,
        "name \(members["name"]?.text ?? "(missing)"): not a network's name; use letters, digits, '_', '.', '-'")
    }
    self.name = name
    let oldest: CNIVersion =
      switch command {
      case .check: .v040
      case .collect, .status: .v110
      case .add, .delete, .version: .v031
      }
    guard self.version >= oldest else {
      throw CNIError(
        .incompatibleVersion,
        "cniVersion \(version): does not know \(command.rawValue); write \(oldest.rawValue) or newer")
    }
    if command != .delete && command != .collect {
      try refuseUnknown()
      if let key = RepeatedKey.first(in: bytes) {
        throw CNIError(.invalidConfiguration, "\(key): there more than once; leave one of them")
      }
    }
  }

  private func refuseUnknown() throws(CNIError) {
    for (key, value) in members.sorted(by: { $0.key < $1.key })
    where !Self.common.contains(key) && !Self.own.contains(key) && !key.hasPrefix("cni.dev/") {
      throw CNIError(
        .unsupportedField, "\(key): \(value.text): not a field that this plugin knows; remove it, or correct its name")
    }
    if let masquerade = members["ipMasq"], masquerade != .null, masquerade != .bool(false) {
      throw CNIError(
        .unsupportedField, "ipMasq: \(masquerade.text): not done by this plugin; remove it, and masquerade on the host")
    }
  }

  private func wrong(_ key: String, _ value: JSONValue, _ remedy: String) -> CNIError {
    CNIError(.invalidConfiguration, "\(key): \(value.text): not understood; \(remedy)")
  }

  func text(_ key: String) throws(CNIError) -> String? {
    guard let value = members[key], value != .null else { return nil }
    guard let text = value.string, !text.isEmpty else { throw wrong(key, value, "give a text") }
    return text
  }

  func number(_ key: String, _ range: ClosedRange<Int64>) throws(CNIError) -> Int? {
    guard let value = members[key], value != .null else { return nil }
    guard let number = value.integer, range.contains(number) else {
      throw wrong(key, value, "give a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return Int(number)
  }

  /// What the container is to have.
  var tier: Tier {
    get throws(CNIError) {
      guard let name = try text("tier") else { return .veth }
      guard let tier = Tier(rawValue: name), Tier.offered.contains(tier) else {
        throw wrong("tier", .string(name), "write \(Tier.offered.map(\.rawValue).joined(separator: " or "))")
      }
      return tier
    }
  }

  var socket: String { get throws(CNIError) { try text("socket") ?? Self.standardSocket } }

  var quota: AttachRequest.Quota? {
    get throws(CNIError) {
      guard let value = members["quota"], value != .null else { return nil }
      let remedy = "give an object of umemBytes, frames, sockets, each a number"
      guard let members = value.object, Set(members.keys).isSubset(of: ["umemBytes", "frames", "sockets"]),
        members.values.allSatisfy({ ($0.integer ?? 0) > 0 })
      else { throw wrong("quota", value, remedy) }
      func number(_ key: String) -> Int? { members[key]?.integer.flatMap { Int($0) } }
      return AttachRequest.Quota(
        umemBytes: number("umemBytes"), frames: number("frames"), sockets: number("sockets"))
    }
  }

  /// The IPAM plugin's name; nil: nobody is asked for addresses.
  var ipam: String? {
    get throws(CNIError) {
      guard let value = members["ipam"], value != .null, value != .object([:]) else { return nil }
      guard let type = value["type"]?.string, !type.isEmpty, !type.contains("/"), type != ".", type != ".." else {
        throw wrong("ipam", value, "name the plugin: {\"type\": \"host-local\", …}")
      }
      return type
    }
  }

  /// The value of a capability that the runtime filled in.
  func capability(_ key: String) -> JSONValue? { members["runtimeConfig"]?[key] }

  /// `args.cni`, a convention.
  func argument(_ key: String) -> JSONValue? { members["args"]?["cni"]?[key] }

  var dns: JSONValue? { members["dns"].flatMap { $0 == .null ? nil : $0 } }
  var previous: JSONValue? { members["prevResult"].flatMap { $0 == .null ? nil : $0 } }

  /// The names of the attachments that GC leaves alone.
  ///
  /// - Throws: if the list isn't there: nothing said is not the same as nothing valid.
  var validAttachments: Set<String> {
    get throws(CNIError) {
      let key = "cni.dev/valid-attachments"
      guard let list = members[key]?.array else {
        throw CNIError(.invalidConfiguration, "\(key): missing, or no list; give those that are to stay")
      }
      var names = Set<String>()
      for entry in list {
        guard let container = entry["containerID"]?.string, let interface = entry["ifname"]?.string else {
          throw wrong(key, entry, "give containerID and ifname")
        }
        names.insert(AttachmentName.of(container: container, interface: interface))
      }
      return names
    }
  }
}
