import Glibc
import Rtnetlink
import XSKEngine

extension Node {
  /// Brings state, devices, pinned maps and sockets together, as they were found at a start:
  ///
  /// | state | device | what is done |
  /// |---|---|---|
  /// | yes | yes | the tenant's sockets are served again; its traffic never stopped |
  /// | yes | no | its container is gone: the tenant goes, too |
  /// | no | yes | the leftover of a kill is removed |
  ///
  /// A physical device that isn't there is waited for: its tenants stay as long as their containers do.
  ///
  /// - Throws: devices that can't be listed, a state that can't be written, a configuration that tenants don't fit; then no device
  ///   has been touched. What is wrong with one tenant is logged.
  public func reconcile() throws(XSKError) {
    // Looked for now, so that no attachment takes longer for it. Who needs it and finds none says so.
    _ = try? HandoverOrder.ofThisKernel()
    try book.withLock { book throws(XSKError) in
      // Whoever knows a tenant's id may go there: who is served is decided by the namespace that a process is in.
      try makeDirectory(places.tenantsDirectory, mode: 0o711)
      // From now on there is one, for the dataplane to follow.
      if book.state == NodeState() { try file.write(book.state) }
      try removeLost(&book)
      // Tenants whose containers are gone ask for nothing any more.
      try Self.check(book.settings, book.state)
      try removeLeftovers(book.state)
      openQueueDevices(&book)
      for tenant in book.state.tenants where book.endpoints[tenant.id] == nil {
        do throws(XSKError) {
          let endpoint = try endpoint(for: tenant, book.queueDevices)
          try endpoint.serve()
          book.endpoints[tenant.id] = endpoint
          book.namespaces[tenant.id] = .init(path: tenant.namespace)
        } catch {
          // Its packets flow; it only gets no new sockets.
          log("tenant \(tenant.id): its sockets are not served: \(error)")
        }
        report(UplinkNeighbours(uplinks: book.settings.uplinks).add(tenant))
      }
    }
    notify()
  }

  /// Lets go of tenants whose devices went with their namespaces, and takes up physical devices that have come. Cheap: to be
  /// called every few seconds.
  public func lookAfterTenants() {
    // What kept it from being found may be over.
    if case .failure = HandoverOrder.asFound, state.tenants.contains(where: { $0.physicalQueues == nil }) {
      _ = try? HandoverOrder.ofThisKernel()
    }
    book.withLock { book in
      do throws(XSKError) { try removeLost(&book) } catch { log("\(error)") }
      lookAtQueueDevices(book)
    }
  }

  private func removeLost(_ book: inout Book) throws(XSKError) {
    guard !book.state.tenants.isEmpty else { return }
    let links = try Netlink().links()
    for tenant in book.state.tenants where isLost(tenant, among: links, book) {
      log("tenant \(tenant.id): its container is gone (\(tenant.namespace)): detached")
      try remove(tenant, &book)
      book.statistics.lost += 1
    }
  }

  /// Whether its veth or its namespace's path are gone. The namespace itself lives on while our thread is in it.
  func isLost(_ tenant: Tenant, among links: [Link], _ book: Book) -> Bool {
    guard tenant.tier != .veth || link(of: tenant).isThere(among: links) else { return true }
    if let namespace = book.namespaces[tenant.id] {
      return TenantNamespace.Identity(path: tenant.namespace) != namespace
    }
    if hasMoved(tenant) { return true }
    // Safe: the path is a C string for the call.
    return unsafe access(tenant.namespace, F_OK) != 0 && errno == ENOENT
  }

  private func removeLeftovers(_ state: NodeState) throws(XSKError) {
    let ids = Set(state.tenants.map(\.id))
    let devices = Set(state.tenants.filter { $0.tier == .veth }.map(\.hostDevice))
    let netlink = try Netlink()
    for link in try netlink.links() where link.group == places.deviceGroup && !devices.contains(link.name) {
      log("\(link.name): no tenant's: removed")
      do throws(XSKError) { try netlink.delete(link.name) } catch { log("\(error)") }
    }
    let pinned = TenantEndpoint.pinnedIDs(bpfDirectory: places.bpfDirectory)
    let served = DirectoryListing.names(in: places.tenantsDirectory).filter(TenantNames.isID)
    for id in Set(pinned + served).subtracting(ids).sorted() {
      log("tenant \(id): left behind: removed")
      removePins(of: id)
    }
  }
}
