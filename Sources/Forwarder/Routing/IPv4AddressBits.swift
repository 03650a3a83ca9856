import CXsk
import XSKEngine

/// A set of IPv4 addresses, for a membership test in one memory read, in two more where a /24 is partly in the set (the
/// first of them at a place that is known beforehand).
///
///     words    one of 64 bits for 32 networks of 24 bits:  │ 32 × partly │ 32 × wholly in the set │        4 MiB
///     ranks    one of 32 bits for each word: networks that are partly in the set, in all words before        2 MiB
///     groups   256 bits for each network that is partly in the set                                     32 bytes each
///
/// So a flood of random sources touches 4 MiB. A bit for each address would take 512 MiB, entries as in `IPv4RouteTable` 64.
@safe final class IPv4AddressBits: Sendable {
  let memory: TableMemory
  let view: IPv4AddressBitsView

  /// - Parameter ranges: as `AddressRange.sweep` gives them; what has an entry other than 0 is in the set.
  /// - Throws: if it would take more than `maximumBytes`, or there is not so much memory.
  init(_ ranges: [AddressRange<UInt32>], maximumBytes: Int, subject: String) throws(XSKError) {
    var words = [UInt64](repeating: 0, count: IPv4AddressBitsView.wordCount)
    var groups: [UInt64] = []
    Self.collect(ranges, &words, &groups)
    let offset = IPv4AddressBitsView.groupsOffset
    let bytes = offset + groups.count * 8
    guard bytes <= maximumBytes else { throw TableMemory.excess(subject, bytes, maximumBytes) }
    memory = try TableMemory(byteCount: bytes, subject: subject)
    // The memory has room for all three, one behind the other.
    let base = unsafe memory.base
    var rank: UInt32 = 0
    // The memory is zero: of that nothing is written, and its pages need not be there.
    for (index, word) in words.enumerated() where word != 0 || rank != 0 {
      if word != 0 { unsafe base.storeBytes(of: word, toByteOffset: index * 8, as: UInt64.self) }
      unsafe base.storeBytes(of: rank, toByteOffset: IPv4AddressBitsView.ranksOffset + index * 4, as: UInt32.self)
      rank += UInt32((word >> 32).nonzeroBitCount)
    }
    for (index, word) in groups.enumerated() {
      unsafe base.storeBytes(of: word, toByteOffset: offset + index * 8, as: UInt64.self)
    }
    unsafe view = IPv4AddressBitsView(base: base)
  }

  private static func collect(_ ranges: [AddressRange<UInt32>], _ words: inout [UInt64], _ groups: inout [UInt64]) {
    var partly = -1  // The network that the last group is of.
    for (index, range) in ranges.enumerated() where range.entry != 0 {
      var start = Int(range.start)
      let end = index + 1 < ranges.count ? Int(ranges[index + 1].start) : 1 << 32
      while start < end {
        let network = start >> 8
        let stop = min(end, (network + 1) << 8)
        if stop - start == 256 {
          words[network >> 5] |= 1 << UInt64(network & 31)
        } else {
          if network != partly {
            partly = network
            words[network >> 5] |= 1 << UInt64((network & 31) + 32)
            groups += [0, 0, 0, 0]
          }
          for address in start..<stop { groups[groups.count - 4 + (address >> 6 & 3)] |= 1 << UInt64(address & 63) }
        }
        start = stop
      }
    }
  }
}

/// The set as a plain value, as `IPv4RouteTable.View`. Valid as long as its set lives.
@frozen @safe @usableFromInline struct IPv4AddressBitsView: Sendable {
  // Safe: 2¹⁹ words and ranks for 19 bits of index; groups are reached by ranks that the set's maker counted.
  @usableFromInline nonisolated(unsafe) let base: UnsafeRawPointer

  init(base: UnsafeRawPointer) { unsafe self.base = base }

  @inlinable @inline(always) static var wordCount: Int { 1 &<< 19 }
  @inlinable @inline(always) static var ranksOffset: Int { wordCount &* 8 }
  @inlinable @inline(always) static var groupsOffset: Int { wordCount &* 12 }

  /// The network's bits: bit 0 says wholly, bit 32 partly.
  @inlinable @inline(always) func bits(_ address: UInt32) -> UInt64 {
    unsafe base.load(fromByteOffset: Int(address &>> 13) &* 8, as: UInt64.self) &>> UInt64(address &>> 8 & 31)
  }

  @inlinable @inline(always) func prefetch(_ address: UInt32) {
    unsafe cxsk_prefetch(base + Int(address &>> 13) &* 8)
  }

  @inlinable @inline(always) func prefetchRank(_ address: UInt32) {
    unsafe cxsk_prefetch(base + (Self.ranksOffset &+ Int(address &>> 13) &* 4))
  }

  @inlinable @inline(always) func prefetchGroup(_ address: UInt32) {
    unsafe cxsk_prefetch(base + groupOffset(address))
  }

  /// Where the group of an address' network begins.
  ///
  /// - Precondition: its bits say partly.
  @inlinable func groupOffset(_ address: UInt32) -> Int {
    let word = unsafe base.load(fromByteOffset: Int(address &>> 13) &* 8, as: UInt64.self)
    let rank = unsafe base.load(fromByteOffset: Self.ranksOffset &+ Int(address &>> 13) &* 4, as: UInt32.self)
    let before = word &>> 32 & ((1 &<< UInt64(address &>> 8 & 31)) &- 1)
    return Self.groupsOffset &+ (Int(rank) &+ before.nonzeroBitCount) &* 32
  }

  /// - Precondition: as `groupOffset`.
  @inlinable func isInGroup(_ address: UInt32) -> Bool {
    let offset = groupOffset(address) &+ Int(address &>> 6 & 3) &* 8
    return unsafe base.load(fromByteOffset: offset, as: UInt64.self) &>> UInt64(address & 63) & 1 != 0
  }

  @inlinable @inline(always) func contains(_ address: UInt32) -> Bool {
    let bits = bits(address)
    if bits & 1 != 0 { return true }
    return bits & (1 &<< 32) != 0 && isInGroup(address)
  }

  /// Which of up to 64 addresses are in the set: a bit for each.
  @inlinable func contains(_ addresses: Span<UInt32>) -> UInt64 {
    precondition(addresses.count <= 64)
    for index in addresses.indices { prefetch(addresses[index]) }
    var found: UInt64 = 0
    var partly: UInt64 = 0
    for index in addresses.indices {
      let bits = bits(addresses[index])
      found |= (bits & 1) &<< UInt64(index)
      partly |= (bits &>> 32 & 1) &<< UInt64(index)
    }
    if partly != 0 { found |= finish(addresses, partly) }
    return found
  }

  /// The same for those of them whose network is partly in the set.
  @inlinable @inline(never) func finish(_ addresses: Span<UInt32>, _ lanes: UInt64) -> UInt64 {
    var rest = lanes
    while rest != 0 {
      prefetchRank(addresses[rest.trailingZeroBitCount])
      rest &= rest &- 1
    }
    rest = lanes
    while rest != 0 {
      prefetchGroup(addresses[rest.trailingZeroBitCount])
      rest &= rest &- 1
    }
    var found: UInt64 = 0
    rest = lanes
    while rest != 0 {
      let lane = rest.trailingZeroBitCount
      if isInGroup(addresses[lane]) { found |= 1 &<< UInt64(lane) }
      rest &= rest &- 1
    }
    return found
  }
}
