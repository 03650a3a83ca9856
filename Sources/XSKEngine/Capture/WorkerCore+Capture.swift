// All of this is cold: it runs only while a capture is armed.

extension WorkerCore {
  /// Looks at a decided burst before it is carried out: its frames are still the worker's.
  ///
  /// What a packet is recorded as is what was decided; if it then finds no way out its record is amended (`captureDrops`).
  /// Nothing is published before both are over.
  ///
  /// - Parameter isReordered: the burst was put in the order that the handler gave.
  @inline(never) mutating func captureBurst(isReordered: Bool) {
    let count = burst.count
    for place in 0..<count {
      let index = isReordered ? Int(burst.sequence.order[place]) : place
      captureOne(burst.descriptors[place], burst.verdicts[place], index: index, place: place, slot: burst.slot)
    }
    burst.capture.isReordered = isReordered
  }

  /// All of a burst was carried out, and so were released packets.
  @inline(never) mutating func finishCapture() {
    burst.capture.forgetNotes(burst.count)
    burst.capture.publish()
  }

  /// The same for a packet that was held.
  @inline(never) mutating func captureReleased(_ head: Descriptor, _ verdict: Verdict, slot: Int) {
    let place = burst.capture.lonePlace
    captureOne(head, verdict, index: place, place: place, slot: slot)
  }

  private mutating func captureOne(_ head: Descriptor, _ verdict: Verdict, index: Int, place: Int, slot: Int) {
    burst.capture.forgetRecord(place)
    // A held packet is decided later.
    guard verdict.kind != .held else { return }
    var record = recordHead(head, slot)
    switch verdict.kind {
    case .drop: record.reason = verdict.argument
    case .reflect:
      record.decision = CaptureRecordHead.Decision.reflected
      record.egress = record.port
    case .forward:
      record.decision = CaptureRecordHead.Decision.forwarded
      record.egress = verdict.argument
    case .deliver, .held: record.decision = CaptureRecordHead.Decision.delivered
    }
    burst.capture.consider(record, index: index, place: place, head, burst.fragments.view, layout)
  }

  private func recordHead(_ head: Descriptor?, _ slot: Int) -> CaptureRecordHead {
    var record = CaptureRecordHead()
    record.ticks = now
    if let head { record.length = UInt32(truncatingIfNeeded: length(of: head)) }
    record.port = queues[slot].port
    record.queue = UInt16(truncatingIfNeeded: queues[slot].queue)
    return record
  }

  /// Packets that were to leave and found no way out, before their frames go back to the pool.
  @inline(never) mutating func captureDrops(_ range: Range<Int>, _ reason: DropReason, _ slot: Int) {
    for place in range { captureDrop(burst.descriptors[place], place, burst.verdicts[place], reason, slot) }
  }

  /// - Parameter verdict: what was decided for it.
  @inline(never) mutating func captureDrop(
    _ head: Descriptor, _ place: Int, _ verdict: Verdict, _ reason: DropReason, _ slot: Int
  ) {
    guard burst.capture.isOpen(place), !burst.capture.amend(place, reason: reason) else { return }
    var record = recordHead(head, slot)
    record.reason = reason.rawValue
    record.egress = verdict.kind == .forward ? verdict.argument : record.port
    let isOfBurst = place != burst.capture.lonePlace
    let index = isOfBurst && burst.capture.isReordered ? Int(burst.sequence.order[place]) : place
    burst.capture.consider(record, index: index, place: place, head, burst.fragments.view, layout)
  }

  /// Packets that no handler saw: no byte of theirs can be trusted, or there was no frame for them.
  @inline(never) mutating func captureUnseen(_ reason: DropReason, _ slot: Int, _ count: Int) {
    var record = recordHead(nil, slot)
    record.reason = reason.rawValue
    let place = burst.capture.lonePlace
    for _ in 0..<count { burst.capture.consider(record, index: place, place: place, nil, burst.fragments.view, layout) }
    burst.capture.publish()
  }
}
