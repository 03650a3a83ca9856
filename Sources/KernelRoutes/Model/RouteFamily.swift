import Forwarder
import XSKEngine

/// The routes of one IP version: the kernel's, the file's, and those that follow from both; and the list that all of them make.
struct RouteFamily<Address: IPAddressNumber> {
  typealias Prefix = IPPrefix<Address>

  /// The kernel's table `local`, which it searches first, and the one that is followed.
  var local = RouteCandidates<Address>()
  var main = RouteCandidates<Address>()
  /// Routes by the file: they count more than the kernel's for the same prefix.
  var configured: [Prefix: UInt32] = [:]
  /// Neighbours in connected networks. Only where the longest match says that the network is connected, they have a route.
  var neighbours: [Prefix: UInt32] = [:]
  /// What is never routed: it counts where nothing else has the same prefix.
  private(set) var never: [Prefix: UInt32] = [:]

  /// What was published, and the prefixes for which it may be wrong by now.
  private(set) var list = RouteList<Address>()
  private var changed: Set<Prefix> = []
  private var allChanged = false

  mutating func setNever(_ prefixes: [Prefix], _ number: UInt32) {
    for prefix in prefixes { never[prefix] = number }
    allChanged = true
  }

  mutating func change(_ prefix: Prefix) { changed.insert(prefix) }

  /// Every prefix that has a route is looked at again. (Those that have none any more were told one by one.)
  mutating func changeAll() { allChanged = true }

  /// The routes of a table as they were read anew.
  mutating func replace(local: RouteCandidates<Address>, main: RouteCandidates<Address>) {
    for prefix in self.local.first.keys where local.first[prefix] == nil { changed.insert(prefix) }
    for prefix in self.main.first.keys where main.first[prefix] == nil { changed.insert(prefix) }
    (self.local, self.main) = (local, main)
    allChanged = true
  }

  mutating func replace(configured: [Prefix: UInt32]) {
    changed.formUnion(self.configured.keys)
    self.configured = configured
    changed.formUnion(configured.keys)
  }

  mutating func replace(neighbours: [Prefix: UInt32]) {
    for (prefix, number) in self.neighbours where neighbours[prefix] != number { changed.insert(prefix) }
    for (prefix, number) in neighbours where self.neighbours[prefix] != number { changed.insert(prefix) }
    self.neighbours = neighbours
  }

  /// The longest prefix that has an address and a route by file or kernel, apart from neighbours.
  func longestMatch(_ address: Address, _ isUsable: (UInt32) -> Bool) -> UInt32? {
    var length = Address.bitWidth
    while length >= 0 {
      if local.lengths[length] + main.lengths[length] > 0 || !configured.isEmpty {
        if let number = base(Prefix(masking: address, length: length), isUsable) { return number }
      }
      length -= 1
    }
    return nil
  }

  private func base(_ prefix: Prefix, _ isUsable: (UInt32) -> Bool) -> UInt32? {
    configured[prefix] ?? local.best(prefix, isUsable) ?? main.best(prefix, isUsable)
  }

  /// Brings the list up to date.
  ///
  /// - Returns: whether anything is different.
  mutating func publish(_ isUsable: (UInt32) -> Bool) throws(XSKError) -> Bool {
    var isDifferent = false
    let named = changed
    changed = []
    for prefix in named { isDifferent = try settle(prefix, isUsable) || isDifferent }
    guard allChanged else { return isDifferent }
    allChanged = false
    list.reserveCapacity(main.first.count)
    // Copies of the keys' storage, which `settle` doesn't change.
    for prefix in main.first.keys { isDifferent = try settle(prefix, isUsable) || isDifferent }
    for prefix in local.first.keys { isDifferent = try settle(prefix, isUsable) || isDifferent }
    for keys in [configured.keys, neighbours.keys, never.keys] {
      for prefix in keys { isDifferent = try settle(prefix, isUsable) || isDifferent }
    }
    return isDifferent
  }

  private mutating func settle(_ prefix: Prefix, _ isUsable: (UInt32) -> Bool) throws(XSKError) -> Bool {
    let value = neighbours[prefix] ?? base(prefix, isUsable) ?? never[prefix]
    let former = list[prefix]
    guard value != former else { return false }
    if let value { try list.set(prefix, value) } else { try list.remove(prefix) }
    return true
  }
}
