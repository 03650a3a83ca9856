extension Burst {
  /// Puts packets that were held into this burst again, ahead of what it has, to be decided anew. Before any verdict is set.
  ///
  /// - Parameters:
  ///   - packets: held ones of this burst's queue (`slot`), in the order that they are to have; not released.
  ///   - count: how many of them, 1,024 at most.
  public mutating func readmit(_ packets: borrowing FixedArray<HeldPacket>, count added: Int) {
    precondition(heldCount == 0 && sequence.count == 0, "held packets are readmitted before anything is decided")
    guard added > 0 else { return }
    precondition(added <= Self.maximumReadmitted, "1,024 held packets are readmitted to one burst at most")
    let all = descriptors.view
    for index in stride(from: count - 1, through: 0, by: -1) { all[index + added] = all[index] }
    for index in 0..<added {
      let head = held.remove(packets[index], slot: slot, fragments: &fragments, start: fragmentCount)
      fragmentCount += Self.fragmentRange(head).count
      all[index] = head
    }
    count += added
    verdicts.view.fill(.drop(.policy), count: count)
  }
}
