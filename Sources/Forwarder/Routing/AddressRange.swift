/// From `start` to the next range's start (the last one: to the last address) `entry` is in force; 0: nothing is.
struct AddressRange<Address: IPAddressNumber>: Equatable {
  var start: Address
  var entry: UInt32
}

/// A prefix with what it stands for.
struct PrefixEntry<Address: IPAddressNumber> {
  var prefix: IPPrefix<Address>
  var entry: UInt32

  /// In the order of addresses, the shorter prefix first: the order that `AddressRange.sweep` takes them in.
  static func precedes(_ left: Self, _ right: Self) -> Bool {
    left.prefix.address == right.prefix.address
      ? left.prefix.length < right.prefix.length : left.prefix.address < right.prefix.address
  }
}

extension AddressRange {
  /// Prefixes laid flat: the longest one that covers an address decides there.
  ///
  /// The result begins at 0, covers every address, and no two neighbours have the same entry. It has at most two ranges
  /// for each prefix, and one more.
  ///
  /// - Parameter sorted: by `PrefixEntry.precedes`. Of equal prefixes the last one counts.
  static func sweep(_ sorted: [PrefixEntry<Address>]) -> [AddressRange] {
    var ranges = [AddressRange(start: 0, entry: 0)]
    ranges.reserveCapacity(2 * sorted.count + 1)
    // The prefixes around the place where the sweep is, the longest last: at most one a length, and equal ones.
    var open: [(last: Address, entry: UInt32)] = []
    for item in sorted {
      while let inner = open.last, inner.last < item.prefix.address {
        open.removeLast()
        begin(&ranges, at: inner.last &+ 1, open.last?.entry ?? 0)
      }
      begin(&ranges, at: item.prefix.address, item.entry)
      open.append((item.prefix.last, item.entry))
    }
    while let inner = open.popLast() {
      if inner.last != Address.max { begin(&ranges, at: inner.last &+ 1, open.last?.entry ?? 0) }
    }
    return ranges
  }

  /// From `start` on it is `entry`. What was said of the same start before no longer counts.
  private static func begin(_ ranges: inout [AddressRange], at start: Address, _ entry: UInt32) {
    if let last = ranges.last, last.start == start { ranges.removeLast() }
    if let last = ranges.last, last.entry == entry { return }
    ranges.append(AddressRange(start: start, entry: entry))
  }
}
