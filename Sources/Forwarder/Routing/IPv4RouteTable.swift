import CXsk
public import XSKEngine

/// IPv4 routes for the packet path: the longest matching prefix in one memory read, in two where a /24 has longer prefixes
/// in it.
///
///     entries:  0 ─ one for each /24 ─────────────── 2²⁴ ─ one for each address of a /24 that has longer prefixes ─ …
///               │ value + 1 │ 0: no route │ 0x8000_0000 | group, whose 256 entries begin at 256 × group
///
/// This is DIR-24-8 (Gupta, Lin, McKeown, 1998) with entries of 32 bits. It takes 64 MiB, and 1 KiB for each /24 that has
/// prefixes longer than 24 bits in it: a million routes as the Internet has them fit 66 MiB. Tries that compress are much
/// smaller, but need more reads one after the other, which is what a packet waits for.
///
/// A table never changes. It is made off the packet path, and swapped in whole between two bursts; its maker keeps it until
/// no worker uses its `view` any more.
public final class IPv4RouteTable: Sendable {
  let memory: TableMemory
  /// How many routes it was made of.
  public let routeCount: Int
  /// What workers look up in. Unsafe: whoever copies it sees to it that this object outlives the copy.
  @unsafe public let view: View

  /// Bytes of memory, of which a worker's packets touch those for their destinations.
  public var byteCount: Int { memory.byteCount }

  /// Makes the table of a list as it is now.
  ///
  /// - Parameter maximumBytes: the memory that it may take: 64 MiB at least.
  /// - Throws: if it would take more, or there is not so much.
  public init(_ routes: RouteList<UInt32>, maximumBytes: Int = 1 << 30) throws(XSKError) {
    let ranges = routes.ranges
    let groups = Self.groupCount(ranges)
    let bytes = ((1 << 24) + groups << 8) * MemoryLayout<UInt32>.stride
    guard bytes <= maximumBytes else {
      throw XSKError(
        "table of \(routes.count) IPv4 routes",
        "needs \((bytes + 0xF_FFFF) >> 20) MiB, more than the \(maximumBytes >> 20) MiB allowed "
          + "(\(groups) networks of 24 bits have longer prefixes in them, at 1 KiB each)",
        remedy: "allow more memory or use fewer prefixes longer than 24 bits")
    }
    memory = try TableMemory(byteCount: bytes, subject: "table of \(routes.count) IPv4 routes")
    routeCount = routes.count
    // The mapping has all entries and lives as long as this object.
    let entries = unsafe memory.pointer(to: UInt32.self)
    unsafe view = View(entries: entries)
    unsafe Self.fill(entries, with: ranges)
  }

  /// The value of the longest prefix that has `address` (host order); nil if none has. For the control plane.
  public func lookup(_ address: UInt32) -> UInt32? {
    let value = withExtendedLifetime(self) { unsafe view.lookup(address) }
    return value == View.noRoute ? nil : value
  }

  /// The /24s that more than one range has a part of.
  private static func groupCount(_ ranges: [AddressRange<UInt32>]) -> Int {
    var count = 0
    var former = UInt32.max
    for range in ranges where range.start & 0xFF != 0 && range.start >> 8 != former {
      former = range.start >> 8
      count += 1
    }
    return count
  }

  /// - Precondition: `entries` are zero, and as many as `groupCount` says.
  private static func fill(_ entries: UnsafeMutablePointer<UInt32>, with ranges: [AddressRange<UInt32>]) {
    var nextGroup: UInt32 = 1 << 16
    for (index, range) in ranges.enumerated() {
      var start = Int(range.start)
      let end = index + 1 < ranges.count ? Int(ranges[index + 1].start) : 1 << 32
      // What has no route is zero already. Memory that nobody has touched costs nothing, neither to make nor to free: a table
      // of a few routes is there in no time.
      let isThere = range.entry != 0
      if start & 0xFF != 0 {
        // The range before this one, which began the /24 or has its start, made the group.
        let stop = min(end, (start | 0xFF) + 1)
        unsafe fill(entries, groupOf: start >> 8, start & 0xFF, stop - start, range.entry)
        start = stop
      }
      // Whole /24s, then the beginning of one that the next range goes on with. Safe: start ≤ end ≤ 2³².
      if isThere { unsafe (entries + start >> 8).update(repeating: range.entry, count: end >> 8 - start >> 8) }
      if end & 0xFF != 0 && start < end {
        unsafe entries[end >> 8] = View.groupFlag | nextGroup
        nextGroup += 1
        unsafe fill(entries, groupOf: end >> 8, 0, end & 0xFF, range.entry)
      }
    }
  }

  /// Safe: the group was counted by `groupCount`, and a group has 256 entries.
  private static func fill(
    _ entries: UnsafeMutablePointer<UInt32>, groupOf network: Int, _ first: Int, _ count: Int, _ entry: UInt32
  ) {
    let group = Int(unsafe entries[network] & ~View.groupFlag)
    unsafe (entries + (group << 8 | first)).update(repeating: entry, count: count)
  }
}

extension IPv4RouteTable {
  /// The table as a plain value: a worker copies it without counting references. Valid as long as its table lives.
  @frozen @safe public struct View: Sendable {
    // Safe: 2²⁴ entries for 24 bits of index; the entries behind them are reached by numbers that the table's maker wrote,
    // and 8 bits. Nothing writes to them any more.
    @usableFromInline nonisolated(unsafe) let entries: UnsafePointer<UInt32>

    init(entries: UnsafePointer<UInt32>) { unsafe self.entries = entries }

    /// What a lookup gives where no prefix matches.
    @inlinable @inline(always) public static var noRoute: UInt32 { .max }

    @inlinable @inline(always) static var groupFlag: UInt32 { 0x8000_0000 }

    /// The value of the longest prefix that has `address` (host order); `noRoute` if none has.
    @inlinable @inline(always) public func lookup(_ address: UInt32) -> UInt32 {
      let entry = unsafe entries[Int(address &>> 8)]
      return entry & Self.groupFlag == 0 ? entry &- 1 : finish(entry, address)
    }

    /// Asks for the memory that `lookup` reads first. Call it 8 to 16 lookups ahead.
    @inlinable @inline(always) public func prefetch(_ address: UInt32) {
      unsafe cxsk_prefetch(entries + Int(address &>> 8))
    }

    /// Looks up all addresses of a burst. The reads of all of them are under way at once.
    ///
    /// - Precondition: `values` has room for them.
    @inlinable public func lookup(_ addresses: Span<UInt32>, into values: inout MutableSpan<UInt32>) {
      precondition(values.count >= addresses.count)
      for index in addresses.indices { prefetch(addresses[index]) }
      var all: UInt32 = 0
      for index in addresses.indices {
        let entry = unsafe entries[Int(addresses[index] &>> 8)]
        values[index] = entry &- 1
        all |= entry
      }
      // Hardly ever: prefixes longer than 24 bits. An entry of these is larger than every value plus one.
      guard all & Self.groupFlag != 0 else { return }
      for index in addresses.indices where Self.isGroup(values[index]) {
        unsafe cxsk_prefetch(entries + place(values[index] &+ 1, addresses[index]))
      }
      for index in addresses.indices where Self.isGroup(values[index]) {
        values[index] = finish(values[index] &+ 1, addresses[index])
      }
    }

    /// Whether a value is an entry with the flag, minus one. `noRoute` is not.
    @inlinable @inline(always) static func isGroup(_ value: UInt32) -> Bool { (value &+ 1) & groupFlag != 0 }

    @inlinable @inline(always) func place(_ entry: UInt32, _ address: UInt32) -> Int {
      Int(entry & ~Self.groupFlag) &<< 8 | Int(address & 0xFF)
    }

    /// The second read.
    @inlinable @inline(always) func finish(_ entry: UInt32, _ address: UInt32) -> UInt32 {
      unsafe entries[place(entry, address)] &- 1
    }
  }
}
