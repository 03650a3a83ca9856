import CXsk
import Glibc
import Rtnetlink
import Operations
import TenantAPI
import XSKEngine

extension Node {
  /// What an attachment came to.
  public struct Attached: Sendable {
    public let tenant: Tenant
    /// How long it took; nil if it was there already.
    public let seconds: Double?
  }

  /// Seconds that an attachment takes at most as far as that is waiting for the dataplane.
  private static let patience = 0.1

  /// Attaches a container's interface. Asked again for the same it answers the same.
  ///
  /// - Throws: a refusal; then nothing is left behind.
  public func attach(_ id: String, _ request: AttachRequest) throws(NodeRefusal) -> Attached {
    let start = MonotonicTime.now
    return try book.withLock { book throws(NodeRefusal) in
      do throws(NodeRefusal) {
        if let tenant = try existing(id, request, &book) { return Attached(tenant: tenant, seconds: nil) }
        let plan = AttachPlan(id: id, request: request, settings: book.settings, state: book.state)
        guard try plan.tier() == .veth else { return try attachQueues(plan, start, &book) }
        let tenant = try make(try plan.tenant(), request, &book)
        let made = MonotonicTime.now - start
        notify()
        settle(id, book.state.generation, start + Self.patience)
        let seconds = MonotonicTime.now - start
        book.statistics.addAttachment(seconds)
        log(
          "tenant \(id): attached in \(milliseconds(seconds)) ms, \(milliseconds(made)) of them until the dataplane was told: "
            + "\(tenant.device) \(tenant.addresses.joined(separator: " "))")
        return Attached(tenant: tenant, seconds: seconds)
      } catch {
        book.statistics.refused += 1
        log("\(error.reason)")
        throw error
      }
    }
  }

  /// The tenant that the request describes, if it is there; one whose devices are gone makes room.
  private func existing(_ id: String, _ request: AttachRequest, _ book: inout Book) throws(NodeRefusal) -> Tenant? {
    guard let tenant = book.state.tenants.first(where: { $0.id == id }) else { return nil }
    guard try !isLost(tenant, book) else {
      do throws(XSKError) { try remove(tenant, &book) } catch { throw NodeRefusal(.failed, error) }
      return nil
    }
    let plan = AttachPlan(id: id, request: request, settings: book.settings, state: book.state)
    guard plan.describes(tenant) else {
      throw NodeRefusal(
        .conflict, XSKError("tenant \(id)", "is attached already, and otherwise", remedy: "detach it first"))
    }
    return tenant
  }

  private func isLost(_ tenant: Tenant, _ book: Book) throws(NodeRefusal) -> Bool {
    do throws(XSKError) { return isLost(tenant, among: try Netlink().links(), book) } catch {
      throw NodeRefusal(.failed, error)
    }
  }

  /// - Returns: the tenant, with the number of its namespace.
  private func make(_ plan: Tenant, _ request: AttachRequest, _ book: inout Book) throws(NodeRefusal) -> Tenant {
    var tenant = plan
    var link = link(of: tenant)
    link.queues = book.settings.queues
    let endpoint: TenantEndpoint
    do throws(XSKError) {
      (endpoint, tenant.namespaceCookie) = try link.make(
        addresses: request.addresses, routes: request.routes ?? [],
        also: { [self] () throws(XSKError) in (try self.endpoint(for: plan), cxsk_network_cookie()) },
        undo: { $0.0.remove() })
    } catch {
      throw NodeRefusal(Self.kind(of: error), error)
    }
    do throws(XSKError) {
      try endpoint.serve()
      let made = tenant
      try change(&book) { $0.tenants.append(made) }
      book.endpoints[tenant.id] = endpoint
      book.namespaces[tenant.id] = .init(path: tenant.namespace)
    } catch {
      endpoint.remove()
      try? link.remove()
      throw NodeRefusal(.failed, error)
    }
    report(UplinkNeighbours(uplinks: book.settings.uplinks).add(tenant))
    return tenant
  }

  /// What serves a tenant's sockets, a new one.
  ///
  /// - Throws: also if the tenant has queues of a device that the configuration does not have.
  func endpoint(for tenant: Tenant, _ devices: [String: QueueDevice] = [:]) throws(XSKError) -> TenantEndpoint {
    let directory = places.directory(of: tenant.id)
    guard let physical = tenant.physicalQueues else {
      return try TenantEndpoint(tenant, bpfDirectory: places.bpfDirectory, socketDirectory: directory, log: log)
    }
    guard let device = devices[physical.device] else {
      throw XSKError(physical.device, "not in the configuration", remedy: "add it again under queues")
    }
    return TenantEndpoint(tenant, .queues(device), socketDirectory: directory, log: log)
  }

  static func kind(of error: XSKError) -> NodeRefusal.Kind {
    switch error.code {
    case EEXIST: .conflict
    case ENOENT, ENOTDIR, EACCES, EINVAL, ELOOP, ENXIO: .wrong
    default: .failed
    }
  }

  func milliseconds(_ seconds: Double) -> String {
    let tenths = Int((seconds * 10_000).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  func makeDirectory(_ path: String, mode: mode_t) throws(XSKError) {
    // Safe: the path is a C string for the call.
    guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
      throw XSKError(path, refused: "the directory can't be made", code: errno, remedy: "run xskd as root")
    }
  }
}
