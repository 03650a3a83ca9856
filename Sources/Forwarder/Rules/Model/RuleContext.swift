/// What rules ask about a packet that is neither in its headers nor known to the classifier: the seam to metadata and to prefix
/// sets. One is made for each packet, or for each burst; it may borrow from the burst.
///
/// A search asks for each metadata key that any rule names once, and for a prefix set only when everything else that the rule
/// asks is met.
public protocol RuleContext: ~Copyable, ~Escapable {
  /// The value of a metadata key 0…63; nil if the packet doesn't have it.
  func metadata(_ key: UInt8) -> UInt64?
  /// Whether a prefix set (by its number in `RuleSet.prefixSets`) has an address, in host order.
  func contains(_ address: UInt32, inSet set: Int) -> Bool
  func contains(_ address: UInt128, inSet set: Int) -> Bool
}
