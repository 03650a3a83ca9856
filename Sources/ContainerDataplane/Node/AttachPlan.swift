import FoundationEssentials
import TenantAPI
import XSKEngine

/// A request and what is there already, made into a tenant.
struct AttachPlan {
  let id: String
  let request: AttachRequest
  let settings: NodeSettings
  let state: NodeState

  /// - Throws: what is wrong with the request, what another tenant has already, or that there is no room.
  func tenant() throws(NodeRefusal) -> Tenant {
    try check()
    guard let port = freePort else {
      throw NodeRefusal(
        .full,
        XSKError(
          "tenant \(id)", "all \(settings.capacity) slots are in use",
          remedy: "raise capacity.tenants in xskd's configuration")
      )
    }
    var tenant = Tenant(
      id: id, name: request.name, namespace: request.namespace, device: request.device, mac: request.mac ?? mac(0x0a),
      hostMAC: mac(0x0e), addresses: request.addresses.map(Self.hostAddress), mtu: request.mtu ?? 1500,
      vlan: request.vlan, policy: request.policy ?? "default", quota: quota, cgroup: request.cgroup, uid: request.uid,
      port: port, createdAt: Date.now.formatted(.iso8601))
    tenant.network = request.network
    tenant.bandwidth = request.bandwidth
    if let problem = tenant.problems().first { throw NodeRefusal(.wrong, problem) }
    var next = state
    next.tenants.append(tenant)
    if let problem = next.problems().first { throw NodeRefusal(.conflict, problem) }
    do throws(XSKError) { try settings.accept(next) } catch { throw NodeRefusal(.wrong, error) }
    return tenant
  }

  /// Whether a tenant that is there is what the request asks for.
  func describes(_ tenant: Tenant) -> Bool {
    guard (try? tier()) == tenant.tier else { return false }
    if let physical = tenant.physicalQueues { return describes(tenant, physical) }
    return tenant.namespace == request.namespace && tenant.device == request.device
      && tenant.addresses == request.addresses.map(Self.hostAddress) && tenant.vlan == request.vlan
      && tenant.mtu == request.mtu ?? 1500 && tenant.policy == request.policy ?? "default"
      && tenant.network == request.network && tenant.mac == request.mac ?? tenant.mac && tenant.quota == quota
      && tenant.cgroup == request.cgroup && tenant.uid == request.uid && tenant.bandwidth == request.bandwidth
  }

  func wrong(_ what: String, _ problem: String, _ remedy: String) -> NodeRefusal {
    NodeRefusal(.wrong, XSKError("tenant \(id): \(what)", problem, remedy: remedy))
  }

  /// What is wrong with a request of any tier.
  ///
  /// - Parameter sockets: that a tenant may have.
  func check(_ quota: TenantQuota, sockets: Int) throws(NodeRefusal) {
    guard AttachmentName.isInterface(request.device) else {
      throw wrong(
        "device \(request.device)", "no interface's name", "use at most 15 letters, digits, '_', '.', '-'")
    }
    for (name, asked, limit) in [
      ("umemBytes", quota.umemBytes, settings.quota.umemBytes), ("frames", quota.frames, settings.quota.frames),
      ("sockets", quota.sockets, sockets),
    ] where asked > limit {
      throw wrong("quota.\(name) \(asked)", "more than a tenant may have", "ask for \(limit) at most")
    }
    if let group = request.cgroup, ControlGroups.has(group) == false {
      throw wrong(
        "cgroup \(ProblemList.shorten(group))", "there is no such control group",
        "write it as /proc/PID/cgroup does, as seen from the node")
    }
    for address in request.addresses where !Self.hasLength(address) {
      throw wrong("address \(address)", "has no prefix length", "write 10.1.0.5/32, or fd00::5/128")
    }
  }

  private func check() throws(NodeRefusal) {
    try check(quota, sockets: settings.queues)
    let policy = request.policy ?? "default"
    guard settings.policies.contains(policy) else {
      let known = settings.policies.sorted().joined(separator: ", ")
      throw wrong("policy \(policy)", "not in xskd's configuration", "add it there, or use one of \(known)")
    }
    if let device = request.deviceID, !settings.uplinks.contains(where: { Self.uplink($0, isCalled: device) }) {
      let known = settings.uplinks.joined(separator: ", ")
      throw wrong(
        "deviceID \(device)", "no uplink of this node", known.isEmpty ? "leave it out" : "use one of \(known)")
    }
    if request.vlan == nil, let address = request.addresses.first(where: { $0 != Self.hostAddress($0) }) {
      throw wrong(
        "address \(address)", "not for one host alone, as routed tenants' are", "write \(Self.hostAddress(address))")
    }
  }

  private var quota: TenantQuota { quota(sockets: settings.queues) }

  /// - Parameter sockets: what a tenant has that asks for nothing.
  func quota(sockets: Int) -> TenantQuota {
    TenantQuota(
      umemBytes: request.quota?.umemBytes ?? settings.quota.umemBytes,
      frames: request.quota?.frames ?? settings.quota.frames, sockets: request.quota?.sockets ?? sockets)
  }

  private var freePort: Int? {
    let used = Set(state.tenants.compactMap(\.port))
    return (0..<settings.capacity).first { !used.contains($0) }
  }

  /// A locally administered address, the same for the same attachment: neighbours who remember it stay right.
  private func mac(_ first: UInt64) -> String {
    let hash = "\(id) \(request.namespace)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return TenantAddress.macText(first << 40 | (hash >> 40 ^ hash) & 0xff_ffff_ffff)
  }

  /// `10.1.0.5/24` as `10.1.0.5/32`.
  private static func hostAddress(_ text: String) -> String {
    "\(text.prefix { $0 != "/" })/\(text.contains(":") ? 128 : 32)"
  }

  private static func hasLength(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2 && Int(parts[1]).map { (1...(text.contains(":") ? 128 : 32)).contains($0) } == true
  }

  /// By its name, or the PCI address that sysfs has for it.
  private static func uplink(_ device: String, isCalled text: String) -> Bool {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/sys/class/net/\(device)/device")
    return DeviceNames.mean(text, device: device, pciID: target?.split(separator: "/").last.map(String.init))
  }
}
