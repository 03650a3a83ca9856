import PacketHeaders

/// Whole-burst sorting: what happens to an epoch in which a segment came too late. A merge sort over the links (stable, no
/// memory of its own, O(n log n) whatever the order), then one pass that makes the units: a filler joins what lies on both
/// its sides.
extension GROLite {
  /// Sorts what is disordered when the burst ends.
  @inlinable @inline(never)
  mutating func sortAll<Batch: PacketBatch & ~Copyable & ~Escapable>(_ batch: borrowing Batch) {
    forEachFlow { gro, flow in
      // `flow` is one of the burst's.
      if unsafe gro.flows[flow].unit == Flow.disordered { gro.sort(flow, batch) }
    }
  }

  /// Sorts a disordered epoch and makes its units anew.
  @inlinable @inline(never)
  mutating func sort<Batch: PacketBatch & ~Copyable & ~Escapable>(_ flow: Int, _ batch: borrowing Batch) {
    discardUnits(of: flow)
    // `flow` is one of the burst's; its packets are below the burst's count, and linked from head to last.
    unsafe links[Int(flows[flow].last)] = Self.none
    let base = unsafe summaries[Int(flows[flow].head)].sequence
    var packet = unsafe sorted(flows[Int(flow)].head, base)
    var last = packet
    let firstUnit = unitTotal
    while packet != Self.none {
      let following = unsafe links[Int(packet)]
      addSorted(Int(packet), of: flow, after: Int(last), firstUnit, batch)
      unsafe flows[flow].note(identification: summaries[Int(packet)].identification)
      last = packet
      packet = following
    }
    bringForward(from: firstUnit)
    unsafe flows[flow].firstUnit = UInt16(truncatingIfNeeded: firstUnit)
    unsafe flows[flow].unit = UInt16(truncatingIfNeeded: unitTotal &- 1)
    needsOrdering = true
  }

  /// Appends a packet to the latest of the epoch's units, or begins another.
  @inlinable
  mutating func addSorted<Batch: PacketBatch & ~Copyable & ~Escapable>(
    _ packet: Int, of flow: Int, after last: Int, _ firstUnit: Int, _ batch: borrowing Batch
  ) {
    let latest = unitTotal &- 1
    if latest >= firstUnit {
      // `latest` is below `unitTotal`, packets are below the burst's count.
      let continues = unsafe summaries[packet].sequence == sequence(behind: last)
      if continues && append(packet, to: latest, of: flow, after: last, batch) {
        unsafe units[latest].placeIndex = min(units[latest].placeIndex, UInt16(truncatingIfNeeded: packet))
        return
      }
      unsafe units[latest].successor = UInt16(truncatingIfNeeded: unitTotal)
    }
    _ = addUnit(openUnit(packet))
  }

  /// No unit may come before one that precedes it in sequence: each takes the earliest place of those from it on.
  @inlinable
  mutating func bringForward(from firstUnit: Int) {
    var place = UInt16.max
    for unit in stride(from: unitTotal &- 1, through: firstUnit, by: -1) {
      // Below `unitTotal`.
      place = unsafe min(place, units[unit].placeIndex)
      unsafe units[unit].placeIndex = place
    }
  }

  /// Empties the units that were made while the epoch was still in order.
  @inlinable
  mutating func discardUnits(of flow: Int) {
    // `flow` is one of the burst's; units of an epoch are linked from the first to the latest.
    var unit = unsafe flows[flow].firstUnit
    while unit != Self.none {
      unsafe units[Int(unit)].packetCount = 0
      unit = unsafe units[Int(unit)].successor
    }
  }

  /// Sorts linked packets by sequence.
  ///
  /// - Returns: the first one; the last one's link is `none`.
  @inlinable
  mutating func sorted(_ first: UInt16, _ base: UInt32) -> UInt16 {
    // 2¹⁰ packets at most: bin 10 is the last to be filled.
    unsafe bins.update(repeating: Self.none, count: GROMemory.binCount)
    var packet = first
    while packet != Self.none {
      var run = packet
      packet = unsafe links[Int(packet)]
      unsafe links[Int(run)] = Self.none
      var bin = 0
      while unsafe bins[bin] != Self.none {
        run = unsafe merged(bins[bin], run, base)
        unsafe bins[bin] = Self.none
        bin &+= 1
      }
      unsafe bins[bin] = run
    }
    // Higher bins hold earlier arrivals.
    var result = Self.none
    for bin in 0..<GROMemory.binCount where unsafe bins[bin] != Self.none {
      result = unsafe result == Self.none ? bins[bin] : merged(bins[bin], result, base)
    }
    return result
  }

  /// Merges two sorted runs; of equal sequence numbers those of `earlier` come first.
  @inlinable
  mutating func merged(_ earlier: UInt16, _ later: UInt16, _ base: UInt32) -> UInt16 {
    var (one, other) = (earlier, later)
    var (first, last) = (Self.none, Self.none)
    while one != Self.none && other != Self.none {
      let takesOther = precedes(other, one, base)
      let taken = takesOther ? other : one
      if takesOther { other = unsafe links[Int(other)] } else { one = unsafe links[Int(one)] }
      if last == Self.none { first = taken } else { unsafe links[Int(last)] = taken }
      last = taken
    }
    unsafe links[Int(last)] = one == Self.none ? other : one
    return first
  }

  @inlinable @inline(always)
  func precedes(_ one: UInt16, _ other: UInt16, _ base: UInt32) -> Bool {
    // Both are below the burst's count.
    let left = unsafe Int32(bitPattern: summaries[Int(one)].sequence &- base)
    let right = unsafe Int32(bitPattern: summaries[Int(other)].sequence &- base)
    return left < right
  }

  /// Puts the burst's units into the order of their places, and drops the empty ones. Units of one place are of one flow, in
  /// the order that they were made in.
  @inlinable @inline(never)
  mutating func putInOrder(_ count: Int) {
    // A list of units for each place: `heldIndices` and the units' successors are free at this point. Places are below
    // `count`.
    unsafe heldIndices.update(repeating: Self.none, count: count)
    for unit in stride(from: unitTotal &- 1, through: 0, by: -1) where unsafe units[unit].packetCount != 0 {
      let place = unsafe units[unit].place
      unsafe units[unit].successor = heldIndices[place]
      unsafe heldIndices[place] = UInt16(truncatingIfNeeded: unit)
    }
    var total = 0
    for place in 0..<count {
      var unit = unsafe heldIndices[place]
      while unit != Self.none {
        unsafe spareUnits[total] = units[Int(unit)]
        total &+= 1
        unit = unsafe units[Int(unit)].successor
      }
    }
    unsafe units.update(from: spareUnits, count: total)
    unitTotal = total
  }
}
