import Rtnetlink
import XSKEngine

extension Node {
  /// Ends an attachment, whatever of it is still there; done if nothing is.
  public func detach(_ id: String) throws(NodeRefusal) {
    guard TenantNames.isID(id) else {
      throw NodeRefusal(
        .wrong, XSKError("tenant \(id)", "no attachment's id", remedy: "use letters, digits, '_', '.', '-'"))
    }
    try book.withLock { book throws(NodeRefusal) in
      do throws(XSKError) {
        guard let tenant = book.state.tenants.first(where: { $0.id == id }) else { return try removeLeftovers(of: id) }
        try remove(tenant, &book)
        book.statistics.detached += 1
        log("tenant \(id): detached")
      } catch {
        log("\(error)")
        throw NodeRefusal(.failed, error)
      }
    }
  }

  /// First it is no tenant any more, then its parts go: what a kill leaves of them is found at the next start.
  func remove(_ tenant: Tenant, _ book: inout Book) throws(XSKError) {
    report(UplinkNeighbours(uplinks: book.settings.uplinks).remove(tenant))
    try change(&book) { $0.tenants.removeAll { $0.id == tenant.id } }
    notify()
    book.namespaces[tenant.id] = nil
    if let endpoint = book.endpoints.removeValue(forKey: tenant.id) {
      endpoint.remove()
    } else {
      removePins(of: tenant.id)
      if let physical = tenant.physicalQueues { book.queueDevices[physical.device]?.release(physical.queues) }
    }
    if tenant.tier == .veth { try link(of: tenant).remove() }
  }

  /// What an attachment that never came to be, or never quite ended, has left.
  private func removeLeftovers(of id: String) throws(XSKError) {
    removePins(of: id)
    let name = TenantNames.hostDevice(of: id)
    let netlink = try Netlink()
    guard try netlink.links().contains(where: { $0.name == name && $0.group == places.deviceGroup }) else { return }
    try netlink.delete(name)
  }

  func removePins(of id: String) {
    TenantEndpoint.removeLeftovers(
      id: id, bpfDirectory: places.bpfDirectory, socketDirectory: places.directory(of: id))
  }
}
