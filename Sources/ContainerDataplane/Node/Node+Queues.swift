import Glibc
import Operations
import TenantAPI
import XSKEngine

/// Tenants that have queues of a physical device.
extension Node {
  // MARK: Devices

  /// Takes up the devices of the configuration, and lets go of others. Those that tenants have queues of are in it, or their
  /// tenants are served no new sockets: what is pinned stays.
  func openQueueDevices(_ book: inout Book) {
    let names = book.settings.queuePools.map(\.device)
    let used = book.state.tenants.compactMap { $0.physicalQueues?.device }
    for (name, device) in book.queueDevices where !names.contains(name) {
      if !used.contains(name) { device.remove() }
      book.queueDevices[name] = nil
    }
    let leftovers = QueueDevice.removeLeftovers(bpfDirectory: places.bpfDirectory, keeping: Set(names + used))
    for folder in leftovers { log("queues of \(folder): no part of the configuration: removed") }
    for name in names where book.queueDevices[name] == nil {
      let device = QueueDevice(name, bpfDirectory: places.bpfDirectory)
      book.queueDevices[name] = device
      look(at: device, book)
    }
  }

  /// One that has come, gone, or changed, is told.
  func lookAtQueueDevices(_ book: Book) {
    for (_, device) in book.queueDevices.sorted(by: { $0.key < $1.key }) { look(at: device, book) }
  }

  private func look(at device: QueueDevice, _ book: Book) {
    if let line = device.look(owned: book.state.queues(of: device.name)) { log(line) }
  }

  /// - Throws: a tenant whose queue a configuration does not have.
  static func checkQueues(_ settings: NodeSettings, _ state: NodeState) throws(XSKError) {
    for tenant in state.tenants {
      guard let physical = tenant.physicalQueues else { continue }
      let pool = settings.queuePools.first { $0.device == physical.device }
      for queue in physical.queues where pool?.has(queue) != true {
        throw XSKError(
          "queue \(queue) of \(physical.device)", "taken out, but tenant \(tenant.id) has it",
          remedy: "keep it, or detach the tenant")
      }
    }
  }

  /// How things are with the queues that tenants can have.
  func queueReports() -> [QueuePoolStatus] {
    let (pools, tenants, devices) = book.withLock { ($0.settings.queuePools, $0.state.tenants, $0.queueDevices) }
    return pools.compactMap { pool in
      devices[pool.device]?.status(pool, tenants.filter { $0.physicalQueues?.device == pool.device })
    }
  }

  // MARK: Tenants

  /// Attaches a container that gets no interface, but queues.
  func attachQueues(_ plan: AttachPlan, _ start: Double, _ book: inout Book) throws(NodeRefusal) -> Attached {
    let order = Result { () throws(XSKError) in try HandoverOrder.ofThisKernel() }
    if let refusal = HandoverOrder.refusal(ofBound: "tenant \(plan.id): tier physical-queue", order) {
      throw NodeRefusal(.failed, refusal)
    }
    var tenant = try chooseQueues(plan, book)
    do throws(XSKError) {
      let door = try NamespaceDoor(tenant.namespace)
      guard !door.isOwn else {
        throw XSKError(
          tenant.namespace, "the node's own network namespace", remedy: "name the container's", code: EINVAL)
      }
      tenant.namespaceCookie = try TenantNamespace(path: tenant.namespace).cookie()
    } catch {
      throw NodeRefusal(Self.kind(of: error), error)
    }
    let made = tenant
    do throws(XSKError) {
      let endpoint = try endpoint(for: made, book.queueDevices)
      do throws(XSKError) {
        try endpoint.serve()
        try change(&book) { $0.tenants.append(made) }
      } catch {
        endpoint.remove()
        throw error
      }
      book.endpoints[tenant.id] = endpoint
      book.namespaces[tenant.id] = .init(path: tenant.namespace)
    } catch {
      throw NodeRefusal(.failed, error)
    }
    // It has nothing to do for this one, but follows the state.
    notify()
    let seconds = MonotonicTime.now - start
    book.statistics.addAttachment(seconds)
    log("tenant \(tenant.id): attached in \(milliseconds(seconds)) ms: \(tenant.queueText)")
    return Attached(tenant: tenant, seconds: seconds)
  }

  private func chooseQueues(_ plan: AttachPlan, _ book: Book) throws(NodeRefusal) -> Tenant {
    let pool = try plan.queuePool { book.queueDevices[$0]?.facts.device?.busAddress }
    let (device, queues): (NetworkDevice, [Int])
    do throws(XSKError) { (device, queues) = try freeQueues(pool, plan.queueCount, book) } catch {
      throw NodeRefusal(
        Self.passes(error) ? .full : .failed,
        XSKError("tenant \(plan.id): \(error.subject)", error.problem, remedy: error.remedy))
    }
    return try plan.tenant(on: device, queues: queues)
  }

  /// Whether what is in the way may go away without anybody's putting it right: asking again is worthwhile.
  private static func passes(_ error: XSKError) -> Bool { [EBUSY, ENETDOWN, ENODEV, EAGAIN].contains(error.code) }

  /// Queues of a pool that no tenant has and no socket is bound to.
  ///
  /// - Throws: a device that isn't ready, or that there are not so many.
  private func freeQueues(
    _ pool: QueuePool, _ count: Int, _ book: Book
  ) throws(XSKError) -> (device: NetworkDevice, queues: [Int]) {
    guard let device = book.queueDevices[pool.device] else {
      throw XSKError(pool.device, "not looked at yet", remedy: "try again", code: EAGAIN)
    }
    // It may have come, or been brought up, since.
    if device.obstacle != nil { look(at: device, book) }
    if let obstacle = device.obstacle { throw obstacle }
    let now = try device.current().device
    let used = book.state.queues(of: pool.device)
    let unused = pool.numbers(of: now.queues.receive).filter { !used.contains($0) && $0 < now.queues.receive }
    let queues = try device.bindable(unused, count: count)
    guard queues.count < count else { return (now, queues) }
    let held = unused.count < count ? 0 : unused.count - queues.count
    throw XSKError(
      "queues of \(pool.device)",
      "\(queues.count) free, \(count) wanted: \(used.count) in use"
        + (held > 0 ? ", \(held) held by sockets of processes that have no attachment" : ""),
      remedy: held > 0 ? "end those processes" : "detach a tenant, or name more queues in xskd's configuration",
      code: EBUSY)
  }

  /// Whether the path of a tenant's namespace leads to another one, or nowhere.
  func hasMoved(_ tenant: Tenant) -> Bool {
    guard let cookie = tenant.namespaceCookie, cookie != 0 else { return false }
    do throws(XSKError) {
      let now = try TenantNamespace(path: tenant.namespace).cookie()
      return now != 0 && now != cookie
    } catch {
      // Nothing, or no network namespace: sockets can't even be opened (ENXIO). What else is in the way may pass.
      return [ENOENT, ENOTDIR, EINVAL, ENXIO].contains(error.code)
    }
  }

  /// What is not as it was made.
  func queueProblems(_ tenant: Tenant, _ book: Book) -> [String] {
    guard let physical = tenant.physicalQueues else { return [] }
    do throws(XSKError) {
      guard let device = book.queueDevices[physical.device] else {
        return ["\(physical.device) is not in the configuration"]
      }
      if let obstacle = device.obstacle { return ["\(obstacle.subject): \(obstacle.problem)"] }
      let now = try device.current().device
      var problems = physical.queues.filter { $0 >= now.queues.receive }.map { "\(now.name) has no queue \($0)" }
      let lost = device.lost.intersection(physical.queues).sorted()
      problems += lost.map { "the socket on queue \($0) of \(now.name) is lost: its process has to ask for another" }
      if now.hardwareAddressText != tenant.mac {
        problems.append("\(now.name) has MAC address \(now.hardwareAddressText)")
      }
      if now.mtu != tenant.mtu { problems.append("\(now.name) has an MTU of \(now.mtu)") }
      return problems
    } catch {
      return ["\(error.subject): \(error.problem)"]
    }
  }
}

extension NodeState {
  /// Queues of a device that tenants have.
  fileprivate func queues(of device: String) -> Set<Int> {
    Set(tenants.compactMap(\.physicalQueues).filter { $0.device == device }.flatMap(\.queues))
  }
}

extension Tenant {
  /// `eth2 queues 2, 3`
  var queueText: String {
    guard let physical = physicalQueues else { return "" }
    let numbers = physical.queues.map { "\($0)" }.joined(separator: ", ")
    return "\(physical.device) queue\(physical.queues.count == 1 ? "" : "s") \(numbers)"
  }
}
