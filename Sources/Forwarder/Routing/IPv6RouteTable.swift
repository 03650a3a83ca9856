public import XSKEngine

/// IPv6 routes for the packet path: a search tree of the ranges that the prefixes make, one cache line a step.
///
/// It takes 256 KiB, and for each route at most 80 bytes or so, twice that for one longer than 64 bits: 200,000 routes of the
/// Internet's kind fit 16 MiB. `RangeTree` says how it is laid out and why.
///
/// A table never changes. It is made off the packet path, and swapped in whole between two bursts; its maker keeps it until
/// no worker uses its `view` any more.
public final class IPv6RouteTable: Sendable {
  let tree: RangeTree
  /// How many routes it was made of.
  public let routeCount: Int

  /// Bytes of memory.
  public var byteCount: Int { tree.memory.byteCount }

  /// What workers look up in. Unsafe: whoever copies it sees to it that this object outlives the copy.
  @unsafe public var view: View { View(tree: tree.view) }

  /// Makes the table of a list as it is now.
  ///
  /// - Parameter maximumBytes: the memory that it may take.
  /// - Throws: if it would take more, or there is not so much.
  public init(_ routes: RouteList<UInt128>, maximumBytes: Int = 1 << 30) throws(XSKError) {
    tree = try RangeTree(
      routes.ranges, maximumBytes: maximumBytes, subject: "table of \(routes.count) IPv6 routes")
    routeCount = routes.count
  }

  /// The value of the longest prefix that has `address` (host order); nil if none has. For the control plane.
  public func lookup(_ address: UInt128) -> UInt32? {
    let value = withExtendedLifetime(self) { unsafe view.lookup(address) }
    return value == View.noRoute ? nil : value
  }

  /// The table as a plain value: a worker copies it without counting references. Valid as long as its table lives.
  @frozen public struct View: Sendable {
    @usableFromInline let tree: RangeTreeView

    init(tree: RangeTreeView) { self.tree = tree }

    /// What a lookup gives where no prefix matches.
    @inlinable @inline(always) public static var noRoute: UInt32 { .max }

    /// The value of the longest prefix that has `address` (host order); `noRoute` if none has.
    @inlinable public func lookup(_ address: UInt128) -> UInt32 { tree.entry(address) &- 1 }

    /// Asks for the memory that `lookup` reads first.
    @inlinable @inline(always) public func prefetch(_ address: UInt128) { tree.prefetchFirst(address) }

    /// Looks up all addresses of a burst. The reads of 64 of them are under way at once.
    ///
    /// - Precondition: `values` has room for them.
    @inlinable public func lookup(_ addresses: Span<UInt128>, into values: inout MutableSpan<UInt32>) {
      precondition(values.count >= addresses.count)
      var first = 0
      while first < addresses.count {
        let range = first..<min(first &+ 64, addresses.count)
        tree.entries(addresses, range, into: &values)
        for index in range { values[index] &-= 1 }
        first = range.upperBound
      }
    }
  }
}
