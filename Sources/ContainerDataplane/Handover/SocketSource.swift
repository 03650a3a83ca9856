import XSKEngine

/// Where a tenant's sockets are bound, and what redirects packets to them.
enum SocketSource: Sendable {
  /// The container's end of its veth, which has a program and a map of its own, pinned in a folder. Who makes sockets is in the
  /// container's network namespace.
  case interface(PinnedProgram, folder: String)
  /// Queues of a physical device, whose map is all its tenants'. Who makes sockets is in the device's namespace: the kernel
  /// looks for a device where the socket was made.
  case queues(QueueDevice)

  /// A queue of a tenant's, found.
  struct Place {
    let device: NetworkDevice
    let queue: Int
    let program: PinnedProgram
  }

  /// Whether the thread that makes sockets enters the container's namespace.
  var isInContainer: Bool {
    switch self {
    case .interface: true
    case .queues: false
    }
  }

  var isResumed: Bool {
    switch self {
    case .interface(let program, _): program.isResumed
    case .queues(let device): device.isResumed
    }
  }

  var mode: XDPMode {
    switch self {
    case .interface(let program, _): program.mode
    case .queues(let device): device.facts.program?.mode ?? .native
    }
  }

  /// How sockets are handed over from here.
  ///
  /// - Parameter kernel: what was found about this kernel.
  /// - Throws: if it allows none that is safe.
  func order(of kernel: Result<HandoverOrder, XSKError>) throws(XSKError) -> HandoverOrder {
    guard case .queues(let device) = self else {
      let order = try kernel.get()
      guard order != .none else { throw HandoverOrder.neither }
      return order
    }
    if let refusal = HandoverOrder.refusal(ofBound: device.name, kernel) { throw refusal }
    return .boundFirst
  }

  /// Queues that a tenant may have a socket on: from 0 on.
  func count(_ tenant: Tenant) -> Int {
    switch self {
    case .interface(let program, _): min(tenant.quota.sockets, program.queues)
    case .queues: min(tenant.quota.sockets, tenant.physicalQueues?.queues.count ?? 0)
    }
  }

  /// Where one of a tenant's queues is now.
  ///
  /// - Parameter queue: below `count(tenant)`.
  /// - Throws: a device that is gone, or was made anew.
  func place(_ queue: Int, of tenant: Tenant) throws(XSKError) -> Place {
    switch self {
    case .interface(let program, _):
      let device = try NetworkDevice(named: tenant.device, looksFar: false)
      guard device.index == program.ifindex else {
        throw XSKError(tenant.device, "was made anew since it was attached", remedy: "attach the container again")
      }
      return Place(device: device, queue: queue, program: program)
    case .queues(let device):
      let (device, program) = try device.current()
      let queues = tenant.physicalQueues?.queues ?? []
      precondition(queues.indices.contains(queue))
      return Place(device: device, queue: queues[queue], program: program)
    }
  }

  /// A queue has its socket.
  func noteSocket(_ place: Place) {
    if case .queues(let device) = self { device.noteSocket(queue: place.queue) }
  }

  /// The map that a tenant may have, since there is nothing in it but its own.
  var ownMap: CInt? {
    switch self {
    case .interface(let program, _): program.socketMap
    case .queues: nil
    }
  }

  /// What is told of the interface: its name, what it takes, and who it is; behind it whatever is not always there.
  func description(of tenant: Tenant) -> String {
    guard case .queues(let device) = self else {
      return text(tenant, mtu: tenant.mtu, mac: tenant.mac, ",gw=\(tenant.hostMAC)")
    }
    // Nobody in the container can look it up: it is told as it is now.
    let now = try? NetworkDevice(named: device.name, looksFar: false)
    let link = now.map { $0.isRunning ? "up" : "down" } ?? "gone"
    let known = now ?? device.facts.device
    return text(
      tenant, mtu: known?.mtu ?? tenant.mtu, mac: known?.hardwareAddressText ?? tenant.mac,
      // What its packets go to is for its network to know.
      ",tier=\(TierReport.Tier.physicalQueue.rawValue),link=\(link)")
  }

  private func text(_ tenant: Tenant, mtu: Int, mac: String, _ kind: String) -> String {
    "\(tenant.device),mtu=\(mtu),mac=\(mac)" + kind
      + (tenant.vlan.map { ",vlan=\($0)" } ?? "") + ",addresses=\(tenant.addresses.count)"
  }

  /// The attachment is over: packets go to no socket of it any more.
  func end(_ tenant: Tenant) {
    switch self {
    case .interface(_, let folder): PinnedProgram.remove(in: folder)
    case .queues(let device): device.release(tenant.physicalQueues?.queues ?? [])
    }
  }
}
