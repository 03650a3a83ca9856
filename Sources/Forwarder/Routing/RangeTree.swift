import CXsk
import XSKEngine

/// Ranges of IPv6 addresses: tables of an address' first bits, and behind them search trees whose every node is one cache
/// line.
///
///     direct table      one entry for each value of the first 16 bits
///     table             one entry for each value of the next 5 to 15 bits, where that many ranges share the first 16
///     inner node        │ 7 separators of 64 bits │ entry of child 0 (32) │ unused (32) │
///     leaf              │ 5 separators of 64 bits │ 6 entries of 32 bits                │
///     entry             0: nothing │ value + 1 │ pointer: 1, leaf, table, low, bits of a table (4), number of a line (24)
///
/// A node's child is the number of its separators that are below the key (a separator is where a range starts, minus one);
/// an inner node's children lie side by side, so child *n* is the entry of child 0, plus *n*. The key is the address' first 64
/// bits. Where prefixes are longer than that, an entry points to a tree of the last 64 bits, "low".
///
/// Why this and not a trie or hashes: prefixes laid flat are at most two ranges each, so memory is bounded by their number
/// alone (some 80 bytes each, twice that where longer than 64 bits), and so is depth, by its logarithm to the base 8. The
/// tables take most of the depth away where prefixes are spread evenly: three or four reads on tables like the Internet's. A
/// multibit trie (Poptrie) takes six or seven there, its worst depth is 19 nodes, and its worst memory many times as large;
/// hashing by length probes once for each length in use, or needs markers. A blocklist is what an attacker makes it, so the
/// worst case counts.
@safe final class RangeTree: Sendable {
  let memory: TableMemory
  let view: RangeTreeView

  /// - Parameter ranges: as `AddressRange.sweep` gives them.
  /// - Throws: if it would need more than 2²⁴ lines or more than `maximumBytes`, or there is not so much memory.
  init(_ ranges: [AddressRange<UInt128>], maximumBytes: Int, subject: String) throws(XSKError) {
    var nodes = RangeTreeNodes()
    let direct = nodes.directTable(ranges)
    let bytes = RangeTreeView.nodesOffset + nodes.words.count * 8
    guard bytes <= maximumBytes, nodes.words.count / 8 <= Int(RangeTreeView.lineMask) else {
      throw TableMemory.excess(subject, bytes, maximumBytes)
    }
    memory = try TableMemory(byteCount: bytes, subject: subject)
    // The memory has room for both, and lives as long as this object.
    let base = unsafe memory.base
    let offset = RangeTreeView.nodesOffset
    unsafe direct.withUnsafeBytes { unsafe base.copyMemory(from: $0.baseAddress!, byteCount: offset) }
    unsafe nodes.words.withUnsafeBytes { words in
      guard let words = words.baseAddress else { return }
      unsafe (base + offset).copyMemory(from: words, byteCount: bytes - offset)
    }
    unsafe view = RangeTreeView(base: base)
  }
}

/// A tree as a plain value, as `IPv4RouteTable.View`. Valid as long as its tree lives.
@frozen @safe @usableFromInline struct RangeTreeView: Sendable {
  // Safe: 65,536 entries for 16 bits of index; behind them nodes, reached by numbers that the tree's maker wrote, all within
  // the memory. Nothing writes to it any more.
  @usableFromInline nonisolated(unsafe) let base: UnsafeRawPointer

  init(base: UnsafeRawPointer) { unsafe self.base = base }

  @inlinable @inline(always) static var nodesOffset: Int { 4 &<< 16 }
  @inlinable @inline(always) static var pointer: UInt32 { 0x8000_0000 }
  @inlinable @inline(always) static var leaf: UInt32 { 0x4000_0000 }
  /// It points to a table, whose bits are told in bits 27…24.
  @inlinable @inline(always) static var table: UInt32 { 0x2000_0000 }
  /// It points into a tree of the last 64 bits.
  @inlinable @inline(always) static var low: UInt32 { 0x1000_0000 }
  @inlinable @inline(always) static var lineMask: UInt32 { 0x00FF_FFFF }

  /// The entry that is in force at an address.
  @inlinable @inline(always) func entry(_ address: UInt128) -> UInt32 {
    var entry = first(address)
    while entry & Self.pointer != 0 { entry = step(entry, address) }
    return entry
  }

  @inlinable @inline(always) func prefetchFirst(_ address: UInt128) {
    unsafe cxsk_prefetch(base + Int(truncatingIfNeeded: address &>> 112) &* 4)
  }

  @inlinable @inline(always) func first(_ address: UInt128) -> UInt32 {
    unsafe base.load(fromByteOffset: Int(truncatingIfNeeded: address &>> 112) &* 4, as: UInt32.self)
  }

  /// Where the next step reads first.
  @inlinable @inline(always) func offset(_ entry: UInt32, _ key: UInt64) -> Int {
    let line = Self.nodesOffset &+ Int(entry & Self.lineMask) &* 64
    guard entry & Self.table != 0 else { return line }
    // The direct table has taken the first 16 bits of the first half.
    let rest = key &<< (entry & Self.low != 0 ? 0 : 16)
    return line &+ Int(truncatingIfNeeded: rest &>> UInt64(64 &- (entry &>> 24 & 15))) &* 4
  }

  /// The half of an address that a pointer's target is about.
  @inlinable @inline(always) func key(_ entry: UInt32, _ address: UInt128) -> UInt64 {
    UInt64(truncatingIfNeeded: entry & Self.low != 0 ? address : address &>> 64)
  }

  @inlinable @inline(always) func prefetch(_ entry: UInt32, _ address: UInt128) {
    unsafe cxsk_prefetch(base + offset(entry, key(entry, address)))
  }

  /// One step down.
  @inlinable @inline(always) func step(_ entry: UInt32, _ address: UInt128) -> UInt32 {
    let key = key(entry, address)
    let node = unsafe base + offset(entry, key)
    // Safe: a node has 64 bytes, and a table's place has four.
    if entry & Self.table != 0 { return unsafe node.load(as: UInt32.self) }
    var child = unsafe Self.below(node, 0, key) &+ Self.below(node, 1, key) &+ Self.below(node, 2, key)
    child = unsafe child &+ Self.below(node, 3, key) &+ Self.below(node, 4, key)
    if entry & Self.leaf != 0 {
      return unsafe node.load(fromByteOffset: 40 &+ child &* 4, as: UInt32.self)
    }
    child = unsafe child &+ Self.below(node, 5, key) &+ Self.below(node, 6, key)
    return unsafe node.load(fromByteOffset: 56, as: UInt32.self) &+ UInt32(truncatingIfNeeded: child)
  }

  @inlinable @inline(always)
  static func below(_ node: UnsafeRawPointer, _ index: Int, _ key: UInt64) -> Int {
    unsafe node.load(fromByteOffset: index &* 8, as: UInt64.self) < key ? 1 : 0
  }

  /// The entries for up to 64 addresses, a step at a time for all of them, so that their reads are under way at once.
  ///
  /// - Precondition: `entries` has room for as many from `offset` on as the range has.
  @inlinable @inline(always)
  func entries(_ addresses: Span<UInt128>, _ range: Range<Int>, into entries: inout MutableSpan<UInt32>) {
    precondition(range.count <= 64 && range.upperBound <= entries.count)
    for index in range { prefetchFirst(addresses[index]) }
    var searching: UInt64 = 0
    for index in range {
      let entry = first(addresses[index])
      entries[index] = entry
      guard entry & Self.pointer != 0 else { continue }
      prefetch(entry, addresses[index])
      searching |= 1 &<< UInt64(index &- range.lowerBound)
    }
    while searching != 0 {
      var lanes = searching
      while lanes != 0 {
        let lane = lanes.trailingZeroBitCount
        lanes &= lanes &- 1
        let index = range.lowerBound &+ lane
        let entry = step(entries[index], addresses[index])
        entries[index] = entry
        if entry & Self.pointer == 0 { searching &= ~(1 &<< UInt64(lane)) } else { prefetch(entry, addresses[index]) }
      }
    }
  }
}
