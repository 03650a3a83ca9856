import TenantAPI

/// What ADD made, as a CNI result of the version that was asked in.
struct AttachmentResult {
  let tenant: AttachedTenant
  let addresses: AssignedAddresses
  /// The PCI address of the device that was asked for, or whose queues it has.
  var pciID: String?
  var dns: JSONValue?

  /// - Parameter previous: the result of the plugin before this one; ours is added to it.
  func json(_ version: CNIVersion, after previous: JSONValue?) -> JSONValue {
    var result = previous?.object ?? [:]
    let others = result["interfaces"]?.array ?? []
    result["cniVersion"] = .string(version.rawValue)
    // A physical device stays with the host: it has no sandbox.
    let isPhysical = tenant.physicalQueues != nil
    let own = isPhysical ? [hostInterface(version)] : [hostInterface(version), containerInterface(version)]
    result["interfaces"] = .array(others + own)
    let ips = addresses.ips.map { ip($0, version, interface: others.count + own.count - 1) }
    result["ips"] = .array((result["ips"]?.array ?? []) + ips)
    result["routes"] = .array((result["routes"]?.array ?? []) + addresses.routes.map(Self.route))
    result["dns"] = dns ?? result["dns"] ?? .object([:])
    return .object(result)
  }

  private func hostInterface(_ version: CNIVersion) -> JSONValue {
    var members: [String: JSONValue] = ["name": .string(tenant.hostDevice), "mac": .string(tenant.hostMAC)]
    if version >= .v110 { members["mtu"] = .integer(Int64(tenant.mtu)) }
    return tenant.physicalQueues == nil ? .object(members) : withSocket(members, version)
  }

  private func containerInterface(_ version: CNIVersion) -> JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(tenant.device), "mac": .string(tenant.mac), "sandbox": .string(tenant.namespace),
    ]
    if version >= .v110 { members["mtu"] = .integer(Int64(tenant.mtu)) }
    return withSocket(members, version)
  }

  private func withSocket(_ interface: [String: JSONValue], _ version: CNIVersion) -> JSONValue {
    var members = interface
    if version >= .v110 {
      members["socketPath"] = .string(tenant.socketPath)
      if let pciID { members["pciID"] = .string(pciID) }
    }
    return .object(members)
  }

  private func ip(_ ip: AssignedAddresses.IP, _ version: CNIVersion, interface: Int) -> JSONValue {
    var members: [String: JSONValue] = ["address": .string(ip.address), "interface": .integer(Int64(interface))]
    if let gateway = ip.gateway { members["gateway"] = .string(gateway) }
    if version < .v100 { members["version"] = .string(ip.isIPv6 ? "6" : "4") }
    return .object(members)
  }

  private static func route(_ route: AssignedAddresses.Route) -> JSONValue {
    .object(["dst": .string(route.destination), "gw": .string(route.gateway)])
  }
}
