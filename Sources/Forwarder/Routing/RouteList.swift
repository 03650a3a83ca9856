public import XSKEngine

/// The routes as the control plane knows them: each prefix once, with a value, changed one at a time.
///
/// A table for the packet path (`IPv4RouteTable`, `IPv6RouteTable`) is made of the whole list. A change of the list changes
/// no table: the next one is made off the packet path and takes the former one's place between two bursts.
///
/// Inserting and removing take constant time.
public struct RouteList<Address: IPAddressNumber>: Sendable {
  var values: [IPPrefix<Address>: UInt32] = [:]

  public init() {}

  /// Values are 0…`maximumValue`: an index into the deployment's next hops, for one.
  public static var maximumValue: UInt32 { 0x7FFF_FFFE }

  public var count: Int { values.count }

  /// Makes room for this many routes.
  public mutating func reserveCapacity(_ routes: Int) { values.reserveCapacity(routes) }

  /// The largest value of any route; nil if there is none.
  public var largestValue: UInt32? { values.values.max() }

  /// Routes of each value below `limit`.
  func counts(_ limit: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: limit)
    for value in values.values where Int(value) < limit { counts[Int(value)] += 1 }
    return counts
  }

  /// The value of exactly this prefix.
  public subscript(prefix: IPPrefix<Address>) -> UInt32? { values[prefix] }

  /// Adds a route.
  ///
  /// - Throws: if the prefix is there already, with whatever value; a value out of range.
  public mutating func insert(_ prefix: IPPrefix<Address>, _ value: UInt32) throws(XSKError) {
    try check(prefix, value)
    guard let former = values.updateValue(value, forKey: prefix) else { return }
    values[prefix] = former
    throw XSKError("route \(prefix)", "there already", remedy: "remove one of the two")
  }

  /// Adds a route, or changes the value of one.
  ///
  /// - Throws: a value out of range.
  public mutating func set(_ prefix: IPPrefix<Address>, _ value: UInt32) throws(XSKError) {
    try check(prefix, value)
    values[prefix] = value
  }

  /// - Throws: if there is no such route.
  public mutating func remove(_ prefix: IPPrefix<Address>) throws(XSKError) {
    guard values.removeValue(forKey: prefix) != nil else {
      throw XSKError("route \(prefix)", "not there", remedy: "remove a route that was added, with the same length")
    }
  }

  private func check(_ prefix: IPPrefix<Address>, _ value: UInt32) throws(XSKError) {
    guard value <= Self.maximumValue else {
      throw XSKError(
        "route \(prefix)", "value \(value) out of range", remedy: "use 0 to \(Self.maximumValue)")
    }
  }

  /// Which entry is in force where: what tables are made of. An entry is the value plus one.
  var ranges: [AddressRange<Address>] {
    let sorted = values.map { PrefixEntry(prefix: $0.key, entry: $0.value &+ 1) }.sorted(by: PrefixEntry.precedes)
    return AddressRange.sweep(sorted)
  }
}
