extension WorkerCore {
  /// Carries out the verdicts of the burst, run by run: neighbours with the same verdict go together.
  @usableFromInline mutating func dispatch() {
    let isReordered = burst.sequence.isPermuted && !burst.endsHere
    if isReordered { burst.carryOutSequence() }
    if burst.isCapturing { captureBurst(isReordered: isReordered) }
    let (slot, count, verdicts) = (burst.slot, burst.count, burst.verdicts.view)
    var start = 0
    while start < count {
      let verdict = verdicts[start]
      let end = verdicts.endOfRun(of: verdict, from: start, count: count)
      carryOut(verdict, start..<end, ingress: slot)
      start = end
    }
    if burst.held.hasReleased { dispatchReleased() }
    if burst.isCapturing { finishCapture() }
  }

  @inline(__always)
  private mutating func carryOut(_ verdict: Verdict, _ range: Range<Int>, ingress slot: Int) {
    switch verdict.kind {
    case .drop:
      recycle(range)
      queues[slot].counters.drop(DropReason(rawValue: verdict.argument), UInt64(range.count))
    case .reflect:
      transmit(range, ingress: slot, egress: slot)
    case .forward:
      let egress = Int(self.egress[slot &* 256 &+ Int(verdict.argument)])
      guard egress >= 0 else { return drop(range, .noSuchPort, slot) }
      transmit(range, ingress: slot, egress: egress)
    case .deliver:
      var bytes = 0
      for index in range { bytes &+= burst.length(index) }
      recycle(range)
      queues[slot].counters.add(.deliveredPackets, UInt64(range.count))
      queues[slot].counters.add(.deliveredBytes, UInt64(bytes))
    case .held:
      break  // The table of held packets has it; the gauge is written at housekeeping.
    }
  }

  /// Drops what was to leave.
  private mutating func drop(_ range: Range<Int>, _ reason: DropReason, _ slot: Int) {
    if burst.isCapturing { captureDrops(range, reason, slot) }
    recycle(range)
    queues[slot].counters.drop(reason, UInt64(range.count))
  }

  @inline(__always)
  private mutating func recycle(_ range: Range<Int>) {
    guard burst.fragmentCount == 0 else {
      for index in range { recycle(burst.descriptors[index]) }
      return
    }
    let layout = layout
    var top = burst.pool.top
    // Safe: the piece is checked against the burst.
    unsafe top.push(burst.descriptors.view.piece(range)) { layout.frame(of: $0.address) }
    burst.pool.finish(top)
  }

  /// Puts a run of packets on a TX ring. What does not fit is dropped under its reason.
  private mutating func transmit(_ range: Range<Int>, ingress: Int, egress: Int) {
    guard !range.isEmpty else { return }
    guard queues[egress].isUp else { return drop(range, queues[egress].reasonForNotSending, ingress) }
    guard burst.fragmentCount == 0 else {
      for index in range {
        transmitChain(burst.descriptors[index], at: index, burst.verdicts[index], ingress: ingress, egress: egress)
      }
      return
    }
    let wanted = UInt32(truncatingIfNeeded: range.count)
    var room = queues[egress].transmit.room(for: wanted)
    if room < wanted { room = makeRoom(egress, for: wanted) }
    let owner = FrameOwners.transmit(egress)
    let limit = UInt32(truncatingIfNeeded: queues[egress].maximumLength)
    let ring = queues[egress].transmit.window
    let (layout, owners) = (layout, owners.table)
    let source = unsafe burst.descriptors.view.piece(range)
    var sent: UInt32 = 0
    var bytes: UInt64 = 0
    while sent < room {
      let piece = unsafe ring.piece(from: sent, count: room &- sent)
      // In bounds: `room` is no more than the run, and the piece no more than the room.
      let (from, to) = unsafe (source.baseAddress.unsafelyUnwrapped + Int(sent), piece.baseAddress.unsafelyUnwrapped)
      var place = 0
      while place < piece.count {
        let descriptor = unsafe from[place]
        if descriptor.length > limit { break }
        owners.give(layout.index(of: descriptor.address), to: owner)
        unsafe to[place] = descriptor
        bytes &+= UInt64(descriptor.length)
        place &+= 1
      }
      sent &+= UInt32(truncatingIfNeeded: place)
      if place < piece.count { break }
    }
    queues[egress].transmit.advance(by: sent)
    countTransmitted(packets: Int(sent), bytes: bytes, frames: Int(sent), ingress: ingress, egress: egress)
    guard sent < wanted else { return }
    let next = range.lowerBound &+ Int(sent)
    guard sent < room else { return drop(next..<range.upperBound, .txRingFull, ingress) }
    drop(next..<next &+ 1, .exceedsMTU, ingress)
    transmit(next &+ 1..<range.upperBound, ingress: ingress, egress: egress)
  }

  @inline(__always)
  private mutating func countTransmitted(packets: Int, bytes: UInt64, frames: Int, ingress: Int, egress: Int) {
    queues[egress].transmitFrames &+= frames
    queues[egress].isDirty = true
    queues[ingress].counters.add(.forwardedPackets, UInt64(packets))
    queues[ingress].counters.add(.forwardedBytes, bytes)
    queues[egress].counters.add(.transmittedPackets, UInt64(packets))
    queues[egress].counters.add(.transmittedBytes, bytes)
  }

  /// Puts one packet of several descriptors on a TX ring: all of them or none.
  ///
  /// - Parameters:
  ///   - place: of its record, if it is captured; as the verdict, which brought it here.
  private mutating func transmitChain(
    _ head: Descriptor, at place: Int, _ verdict: Verdict, ingress: Int, egress: Int
  ) {
    let fragments = Burst.fragmentRange(head)
    let frames = UInt32(fragments.count + 1)
    guard frames <= Burst.maximumTransmitFragments else {
      return drop(head, at: place, verdict, .tooManyFragments, ingress)
    }
    let length = length(of: head)
    guard length <= queues[egress].maximumLength else { return drop(head, at: place, verdict, .exceedsMTU, ingress) }
    var room = queues[egress].transmit.room(for: frames)
    if room < frames { room = makeRoom(egress, for: frames) }
    guard room == frames else { return drop(head, at: place, verdict, .txRingFull, ingress) }
    let owner = FrameOwners.transmit(egress)
    for place in 0..<Int(frames) {
      var descriptor = place == 0 ? head : burst.fragments[fragments.lowerBound + place - 1]
      descriptor.options = place + 1 < Int(frames) ? Descriptor.continues : 0
      owners.table.give(layout.index(of: descriptor.address), to: owner)
      queues[egress].transmit.write(descriptor)
    }
    countTransmitted(packets: 1, bytes: UInt64(length), frames: Int(frames), ingress: ingress, egress: egress)
  }

  /// Bytes of a packet, over all of its descriptors.
  func length(of head: Descriptor) -> Int {
    var length = Int(head.length)
    for fragment in Burst.fragmentRange(head) { length += Int(burst.fragments[fragment].length) }
    return length
  }

  private mutating func drop(
    _ head: Descriptor, at place: Int, _ verdict: Verdict, _ reason: DropReason, _ slot: Int
  ) {
    if burst.isCapturing { captureDrop(head, place, verdict, reason, slot) }
    recycle(head)
    queues[slot].counters.drop(reason, 1)
  }

  /// Carries out what the handler decided for packets that it had held.
  mutating func dispatchReleased() {
    // The burst has been carried out, so its descriptors' places are free.
    let scratch = 0
    let place = burst.capture.lonePlace
    while let (head, slot, verdict) = burst.held.takeReleased(scratch: &burst.fragments, start: scratch) {
      if burst.isCapturing { captureReleased(head, verdict, slot: slot) }
      switch verdict.kind {
      case .drop:
        recycle(head)
        queues[slot].counters.drop(DropReason(rawValue: verdict.argument), 1)
      case .deliver:
        queues[slot].counters.add(.deliveredPackets, 1)
        queues[slot].counters.add(.deliveredBytes, UInt64(length(of: head)))
        recycle(head)
      case .reflect, .forward, .held:
        let egress = verdict.kind == .reflect ? slot : Int(self.egress[slot * 256 + Int(verdict.argument)])
        if egress < 0 {
          drop(head, at: place, verdict, .noSuchPort, slot)
        } else if !queues[egress].isUp {
          drop(head, at: place, verdict, queues[egress].reasonForNotSending, slot)
        } else {
          transmitChain(head, at: place, verdict, ingress: slot, egress: egress)
        }
      }
    }
  }
}
