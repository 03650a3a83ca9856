import CXsk
import Glibc
import Synchronization

/// What the XDP programs know of the host's own: filled before a program is attached, and kept up with the kernel's
/// addresses while somebody calls `follow`.
final class PuntTable: Sendable {
  /// Own addresses that a group of ports can have, of each version of IP.
  static let mostAddresses = 4096

  private let tables: PolicyTables
  private let configurations: [PuntConfiguration]
  /// What the kernel's tables hold, by group.
  private let own: Mutex<[Set<NetworkAddress>]>
  private let follower: Mutex<AddressFollower?>
  /// The kernel's addresses could not be taken over when they changed: to be tried again.
  private let isBehind = Atomic<Bool>(false)

  /// - Parameter configurations: of each group of ports that punt alike.
  init(_ tables: PolicyTables, _ configurations: [PuntConfiguration]) throws(XSKError) {
    self.tables = tables
    self.configurations = configurations
    own = Mutex(configurations.map { _ in [] })
    var events: AddressFollower?
    if configurations.contains(where: { $0.addresses == .kernel }) {
      do throws(ErrorNumber) { events = try AddressFollower.open() } catch { throw Self.refusal(error) }
    }
    follower = Mutex(events)
    for (group, configuration) in configurations.enumerated() {
      for what in configuration.extras {
        let code = tables.set(.extras, xsk_extra_key(what: what, group: UInt32(group)), UInt32(1))
        guard code == 0 else { throw Self.refusal(ErrorNumber(code)) }
      }
      if case .given(let addresses) = configuration.addresses {
        if let problem = replace(group, by: addresses) { throw problem }
      }
    }
    if let problem = readKernel() { throw problem }
  }

  /// Entries of the tables that it needs.
  static func sizes(_ configurations: [PuntConfiguration]) -> [PolicyTables.Name: Int] {
    guard configurations.contains(where: \.isOn) else { return [:] }
    let addresses = configurations.count { $0.addresses != .none } * mostAddresses
    return [.own4: addresses, .own6: addresses, .extras: configurations.reduce(0) { $0 + $1.extras.count }]
  }

  /// Takes over what changed of the kernel's addresses. On a thread in the devices' namespace.
  ///
  /// - Returns: what stood in the way; the program goes by the addresses of before then.
  func follow() -> XSKError? {
    let hasNews = follower.withLock { $0?.hasNews() ?? false }
    guard hasNews || isBehind.load(ordering: .relaxed) else { return nil }
    let problem = readKernel()
    isBehind.store(problem != nil, ordering: .relaxed)
    return problem
  }

  private func readKernel() -> XSKError? {
    guard configurations.contains(where: { $0.addresses == .kernel }) else { return nil }
    let now: Set<NetworkAddress>
    do throws(ErrorNumber) { now = try AddressFollower.addresses() } catch { return Self.refusal(error) }
    for (group, configuration) in configurations.enumerated() where configuration.addresses == .kernel {
      if let problem = replace(group, by: now) { return problem }
    }
    return nil
  }

  /// New addresses are entered before old ones are taken out.
  private func replace(_ group: Int, by addresses: Set<NetworkAddress>) -> XSKError? {
    own.withLock { own in
      for address in addresses.subtracting(own[group]) {
        let code =
          address.isIPv6
          ? tables.set(.own6, xsk_own6_key(address: address.words, group: UInt32(group)), UInt32(1))
          : tables.set(.own4, xsk_own4_key(address: address.ipv4, group: UInt32(group)), UInt32(1))
        guard code == 0 else {
          return XSKError(
            "own address \(address)", refused: "can't be punted", code: code,
            remedy: "there is room for \(Self.mostAddresses) addresses of each version of IP")
        }
        own[group].insert(address)
      }
      for address in own[group].subtracting(addresses) {
        if address.isIPv6 {
          tables.remove(.own6, xsk_own6_key(address: address.words, group: UInt32(group)))
        } else {
          tables.remove(.own4, xsk_own4_key(address: address.ipv4, group: UInt32(group)))
        }
        own[group].remove(address)
      }
      return nil
    }
  }

  private static func refusal(_ error: ErrorNumber) -> XSKError {
    XSKError(
      "own addresses", refused: "can't be read from the kernel", code: error.code,
      remedy: "allow netlink sockets, or name the addresses")
  }
}
