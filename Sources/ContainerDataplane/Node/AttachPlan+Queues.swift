import FoundationEssentials
import TenantAPI
import XSKEngine

extension AttachPlan {
  /// The tier that is asked for.
  func tier() throws(NodeRefusal) -> Tier {
    guard let name = request.tier else { return .veth }
    guard let tier = Tier(rawValue: name), Tier.offered.contains(tier) else {
      throw wrong(
        "tier \(name)", "not one that this xskd offers",
        "use \(Tier.offered.map(\.rawValue).joined(separator: " or "))")
    }
    return tier
  }

  private var queueQuota: TenantQuota { quota(sockets: settings.quota.sockets) }

  /// Queues that are wanted.
  var queueCount: Int { queueQuota.sockets }

  /// The pool that queues are to come from.
  ///
  /// - Parameters:
  ///   - held: the device that it has already: the one that is meant if none is named, however many there are by now.
  ///   - pci: a device's PCI address.
  /// - Throws: what is wrong with the request.
  func queuePool(held: String? = nil, pci: (String) -> String?) throws(NodeRefusal) -> QueuePool {
    try check(queueQuota, sockets: settings.quota.sockets)
    try refuseWhatNobodyWouldEnforce()
    let pools = settings.queuePools
    let known = pools.map(\.device).joined(separator: ", ")
    guard let first = pools.first else {
      throw wrong(
        "tier physical-queue", "no device of this node is there for it", "name one under queues in its configuration")
    }
    guard let asked = request.deviceID else {
      if let pool = pools.first(where: { $0.device == held }) { return pool }
      guard pools.count == 1 else { throw wrong("deviceID", "missing, and there are several", "use one of \(known)") }
      return first
    }
    guard
      let pool = pools.first(where: { DeviceNames.mean(asked, device: $0.device, pciID: pci($0.device)) })
        ?? pools.first(where: { $0.name == asked })
    else { throw wrong("deviceID \(asked)", "no device whose queues containers can have", "use one of \(known)") }
    return pool
  }

  /// The dataplane has none of the packets: what is asked of it would be promised, and not kept.
  private func refuseWhatNobodyWouldEnforce() throws(NodeRefusal) {
    if let key = request.askedOfPolicies.first {
      throw wrong(
        key, "not to be had with a physical queue, whose packets pass no policy",
        "leave it out, and have the device see to it")
    }
    if let key = request.askedOfDevice.first {
      throw wrong(key, "the device's own, for all who have queues of it", "leave it out")
    }
    guard request.routes?.isEmpty != false else {
      throw wrong("routes", "there is no interface to route through", "leave them out")
    }
  }

  /// - Parameters:
  ///   - device: as it is now.
  ///   - queues: of it, free.
  /// - Throws: what another tenant has already.
  func tenant(on device: NetworkDevice, queues: [Int]) throws(NodeRefusal) -> Tenant {
    let mac = device.hardwareAddressText
    var tenant = Tenant(
      id: id, name: request.name, namespace: request.namespace, device: request.device, hostDevice: device.name,
      mac: mac, hostMAC: mac, addresses: request.addresses, mtu: device.mtu, policy: "", quota: queueQuota,
      cgroup: request.cgroup, uid: request.uid, createdAt: Date.now.formatted(.iso8601))
    tenant.network = request.network
    tenant.physicalQueues = PhysicalQueues(device: device.name, queues: queues, pciID: device.busAddress)
    if let problem = tenant.problems().first { throw NodeRefusal(.wrong, problem) }
    var next = state
    next.tenants.append(tenant)
    if let problem = next.problems().first { throw NodeRefusal(.conflict, problem) }
    return tenant
  }

  func describes(_ tenant: Tenant, _ physical: PhysicalQueues) -> Bool {
    let pool = try? queuePool(held: physical.device) { $0 == physical.device ? physical.pciID : nil }
    return pool?.device == physical.device && tenant.namespace == request.namespace && tenant.device == request.device
      && tenant.addresses == request.addresses && tenant.network == request.network && tenant.quota == queueQuota
      && tenant.cgroup == request.cgroup && tenant.uid == request.uid
  }
}
