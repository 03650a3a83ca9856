/// In which order a burst's packets leave, where that is not the order in which they came.
@frozen @usableFromInline struct BurstSequence: ~Copyable {
  /// Indices into the burst, in the order of leaving; the first `count` are set.
  @usableFromInline var order: FixedArray<UInt16>
  @usableFromInline var count = 0
  /// Some index is not at its own place.
  @usableFromInline var isPermuted = false
  /// What the burst's packets are exchanged with when they are put in order.
  var descriptors: FixedArray<Descriptor>
  var verdicts: FixedArray<Verdict>

  init(capacity: Int) {
    order = FixedArray(repeating: 0, count: capacity)
    descriptors = FixedArray(repeating: Descriptor(address: 0, length: 0), count: capacity)
    verdicts = FixedArray(repeating: .drop(.policy), count: capacity)
  }
}

extension Burst {
  /// Says which packet leaves next. Called for every packet of the burst once, or for none.
  ///
  /// - Parameter index: of a packet, 0 ..< `count`. Naming one twice traps at the burst's end.
  @inlinable @inline(always) public mutating func sequence(_ index: Int) {
    let place = sequence.count
    precondition(index >= 0 && index < count)
    sequence.order.view[place] = UInt16(truncatingIfNeeded: index)
    sequence.count = place &+ 1
    if index != place { sequence.isPermuted = true }
  }

  /// All packets have the same verdict, with which none of them leaves: their order is of no meaning.
  var endsHere: Bool {
    guard count > 0 else { return true }
    let verdict = verdicts[0]
    guard verdict.isFinal else { return false }
    return verdicts.view.endOfRun(of: verdict, from: 0, count: count) == count
  }

  /// Puts the packets in the order that the handler gave.
  @inline(never) mutating func carryOutSequence() {
    precondition(sequence.count == count, "a handler gives the order of all packets, or of none")
    let (order, descriptors, verdicts) = (sequence.order.view, descriptors.view, verdicts.view)
    let (sorted, decided) = (sequence.descriptors.view, sequence.verdicts.view)
    for place in 0..<count {
      let index = Int(order[place])
      let descriptor = descriptors[index]
      // A frame has one owner: what was taken leaves a mark.
      precondition(descriptor.address != .max, "a packet leaves once")
      descriptors[index] = Descriptor(address: .max, length: 0)
      sorted[place] = descriptor
      decided[place] = verdicts[index]
    }
    swap(&self.descriptors, &sequence.descriptors)
    swap(&self.verdicts, &sequence.verdicts)
    sequence.isPermuted = false
  }
}
