public import XSKEngine

/// A set of IPv4 and IPv6 prefixes for the packet path, of a million entries and more: is an address in any of them?
///
/// IPv4 takes 6 MiB, and 32 bytes for each /24 that is partly in the set: a million single addresses, 37 MiB at most. IPv6
/// takes 256 KiB, and at most 80 bytes or so for each prefix, twice that for one longer than 64 bits.
///
/// A set never changes. It is made off the packet path, and swapped in whole between two bursts; its maker keeps it until no
/// worker uses its `view` any more.
public final class PrefixSet: Sendable {
  let bits: IPv4AddressBits
  let tree: RangeTree

  /// Bytes of memory.
  public var byteCount: Int { bits.memory.byteCount + tree.memory.byteCount }

  /// What workers look up in. Unsafe: whoever copies it sees to it that this object outlives the copy.
  @unsafe public var view: View { View(bits: bits.view, tree: tree.view) }

  /// Prefixes may cover each other, and come twice: what counts is which addresses they cover.
  ///
  /// - Throws: if the set would take more than `maximumBytes`, or there is not so much memory.
  public init(
    ipv4: [IPv4Prefix], ipv6: [IPv6Prefix], maximumBytes: Int = 1 << 30
  ) throws(XSKError) {
    let ranges4 = Self.ranges(ipv4)
    let ranges6 = Self.ranges(ipv6)
    bits = try IPv4AddressBits(ranges4, maximumBytes: maximumBytes, subject: "set of IPv4 prefixes")
    tree = try RangeTree(
      ranges6, maximumBytes: maximumBytes - bits.memory.byteCount, subject: "set of IPv6 prefixes")
  }

  private static func ranges<Address>(_ prefixes: [IPPrefix<Address>]) -> [AddressRange<Address>] {
    AddressRange.sweep(prefixes.map { PrefixEntry(prefix: $0, entry: 1) }.sorted(by: PrefixEntry.precedes))
  }

  /// Whether an IPv4 address (host order) is in the set. For the control plane.
  public func contains(_ address: UInt32) -> Bool { withExtendedLifetime(self) { unsafe view.contains(address) } }

  /// Whether an IPv6 address (host order) is in the set. For the control plane.
  public func contains(_ address: UInt128) -> Bool { withExtendedLifetime(self) { unsafe view.contains(address) } }

  /// The set as a plain value: a worker copies it without counting references. Valid as long as its set lives.
  @frozen public struct View: Sendable {
    @usableFromInline let bits: IPv4AddressBitsView
    @usableFromInline let tree: RangeTreeView

    init(bits: IPv4AddressBitsView, tree: RangeTreeView) {
      self.bits = bits
      self.tree = tree
    }

    /// Whether an IPv4 address (host order) is in the set.
    @inlinable @inline(always) public func contains(_ address: UInt32) -> Bool { bits.contains(address) }

    /// Whether an IPv6 address (host order) is in the set.
    @inlinable public func contains(_ address: UInt128) -> Bool { tree.entry(address) != 0 }

    /// Asks for the memory that `contains` reads first. Call it 8 to 16 lookups ahead.
    @inlinable @inline(always) public func prefetch(_ address: UInt32) { bits.prefetch(address) }

    /// Asks for the memory that `contains` reads first.
    @inlinable @inline(always) public func prefetch(_ address: UInt128) { tree.prefetchFirst(address) }

    /// Which of a burst's IPv4 addresses are in the set: bit *n* for address *n*. The reads of all are under way at once.
    ///
    /// - Precondition: at most 64 addresses.
    @inlinable public func contains(_ addresses: Span<UInt32>) -> UInt64 { bits.contains(addresses) }

    /// Which of a burst's IPv6 addresses are in the set: bit *n* for address *n*. The reads of all are under way at once.
    ///
    /// - Precondition: at most 64 addresses.
    @inlinable public func contains(_ addresses: Span<UInt128>) -> UInt64 {
      precondition(addresses.count <= 64)
      var entries = InlineArray<64, UInt32>(repeating: 0)
      var span = entries.mutableSpan
      tree.entries(addresses, addresses.indices, into: &span)
      var found: UInt64 = 0
      for index in addresses.indices where span[index] != 0 { found |= 1 &<< UInt64(index) }
      return found
    }
  }
}
