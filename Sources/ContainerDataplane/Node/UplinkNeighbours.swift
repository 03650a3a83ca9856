import Glibc
import Rtnetlink
import XSKEngine

/// Has the kernel answer on the uplinks for routed tenants' addresses (proxy ARP, proxy neighbour discovery), and the first uplink
/// take what is sent to bridged ones: a network card keeps other stations' packets, and VLANs that it was not told of, to itself.
struct UplinkNeighbours: Sendable {
  let uplinks: [String]

  /// What could not be done is said, not fatal: an uplink may be away for a while.
  func add(_ tenant: Tenant) -> [XSKError] {
    if tenant.vlan != nil { return receiveAll() }
    return change(tenant) { netlink, address, uplink throws(XSKError) in
      try Self.prepare(uplink, isIPv6: address.contains(":"))
      try netlink.addProxy(address, on: uplink)
    }
  }

  /// It stays: others may want it by now.
  private func receiveAll() -> [XSKError] {
    guard let first = uplinks.first else { return [] }
    do throws(XSKError) { try Netlink().setPromiscuous(first) } catch { return [error] }
    return []
  }

  func remove(_ tenant: Tenant) -> [XSKError] {
    change(tenant) { netlink, address, uplink throws(XSKError) in
      do throws(XSKError) { try netlink.removeProxy(address, on: uplink) } catch {
        guard error.code == ENOENT || error.code == ENODEV else { throw error }
      }
    }
  }

  private func change(
    _ tenant: Tenant, _ body: (Netlink, String, String) throws(XSKError) -> Void
  ) -> [XSKError] {
    guard tenant.vlan == nil, !uplinks.isEmpty else { return [] }
    var problems: [XSKError] = []
    do throws(XSKError) {
      let netlink = try Netlink()
      for uplink in uplinks {
        for address in tenant.addresses {
          do throws(XSKError) { try body(netlink, String(address.prefix { $0 != "/" }), uplink) } catch {
            problems.append(error)
          }
        }
      }
    } catch {
      problems.append(error)
    }
    return problems
  }

  /// The kernel answers for others only where it would forward to them.
  private static func prepare(_ uplink: String, isIPv6: Bool) throws(XSKError) {
    guard isIPv6 else { return try KernelSetting.set("ipv4", uplink, ["forwarding": 1]) }
    // A host that forwards takes no more advertisements of routers, unless told to.
    if KernelSetting.read("ipv6", uplink, "accept_ra") == 1 { try KernelSetting.set("ipv6", uplink, ["accept_ra": 2]) }
    try KernelSetting.set("ipv6", uplink, ["forwarding": 1, "proxy_ndp": 1])
  }
}
