extension WorkerCore {
  /// Step 2: takes a burst off a queue's RX ring into `burst`.
  ///
  /// Every descriptor is checked against the UMEM and the owners' table before anybody reads its bytes.
  /// - Returns: packets in the burst.
  @usableFromInline mutating func receive(_ slot: Int) -> Int {
    // A queue that is down may have lost its rings: they are not to be looked at.
    guard queues[slot].isUp else { return 0 }
    let available = queues[slot].receive.available(upTo: UInt32(batch))
    guard available > 0 else { return 0 }
    beginBurst(slot)
    let taken = queues[slot].isDiscarding ? 0 : receiveWhole(slot, available)
    if taken < available { receiveFragmented(slot) }
    turnPackets &+= burst.count
    return burst.count
  }

  /// Takes packets of one descriptor, up to the first that is anything else.
  ///
  /// - Returns: descriptors taken, as many as there are packets in the burst.
  @inline(__always)
  private mutating func receiveWhole(_ slot: Int, _ available: UInt32) -> UInt32 {
    precondition(Int(available) <= burst.verdicts.count)
    let ring = queues[slot].receive.window
    var taken: UInt32 = 0
    var bytes: UInt64 = 0
    while taken < available {
      let piece = unsafe ring.piece(from: taken, count: available &- taken)
      // The mode is decided once a piece: with aligned chunks an address is plain as it is.
      let count =
        layout.isUnaligned
        ? unsafe take(piece, from: slot, at: Int(taken), bytes: &bytes, isUnaligned: true)
        : unsafe take(piece, from: slot, at: Int(taken), bytes: &bytes, isUnaligned: false)
      taken &+= UInt32(truncatingIfNeeded: count)
      if count < piece.count { break }
    }
    burst.verdicts.view.fill(.drop(.policy), count: Int(taken))
    burst.count = Int(taken)
    queues[slot].receiveFrames &-= Int(taken)
    queues[slot].receive.release(taken)
    countReceived(slot, packets: Int(taken), bytes: bytes, invalid: 0)
    return taken
  }

  /// Copies descriptors to the burst, from place `start` on, as long as each is a whole packet in a frame that the kernel
  /// was given to receive into.
  ///
  /// - Returns: how many.
  @inline(__always) @unsafe
  private func take(
    _ piece: UnsafeMutableBufferPointer<Descriptor>, from slot: Int, at start: Int, bytes: inout UInt64,
    isUnaligned: Bool
  ) -> Int {
    let (layout, owners) = (layout, owners.table)
    let owner = FrameOwners.receive(slot)
    // In bounds: the caller has checked the burst's room against the sum of all pieces.
    let source = unsafe piece.baseAddress.unsafelyUnwrapped
    let target = unsafe burst.descriptors.view.base + start
    // Copied at once, then checked: what is checked is then the worker's own, whatever is written to the ring meanwhile.
    unsafe target.update(from: source, count: piece.count)
    var sum: UInt64 = 0
    var index = 0
    while index < piece.count {
      let descriptor = unsafe target[index]
      let address = isUnaligned ? layout.plain(descriptor.address) : descriptor.address
      // Length and options as one number: with any option set it is more than a chunk has.
      let length = UInt64(descriptor.length) | UInt64(descriptor.options) &<< 32
      guard length <= layout.room(from: address), owners.take(layout.index(of: address), from: owner) else { break }
      if isUnaligned { unsafe target[index].address = address }
      sum &+= length
      index &+= 1
    }
    bytes &+= sum
    return index
  }

  /// Begins an empty burst of a queue whose packets the handler holds.
  ///
  /// - Returns: whether there are any.
  @usableFromInline mutating func beginHeldBurst(_ slot: Int) -> Bool {
    guard burst.held.count(slot: slot) > 0 else { return false }
    beginBurst(slot)
    return true
  }

  @inline(__always)
  mutating func beginBurst(_ slot: Int) {
    burst.count = 0
    burst.sequence.count = 0
    burst.sequence.isPermuted = false
    burst.fragmentCount = 0
    burst.heldCount = 0
    burst.slot = slot
    burst.port = queues[slot].port
    burst.queue = queues[slot].queue
  }

  /// A descriptor with its plain address, its frame the worker's now; nil if it names no bytes of the UMEM, or a frame that
  /// the kernel was not given to receive into.
  private mutating func accept(_ descriptor: Descriptor, from owner: UInt16) -> Descriptor? {
    let address = layout.plain(descriptor.address)
    guard layout.fitsChunk(address, length: descriptor.length),
      owners.table.take(layout.index(of: address), from: owner)
    else { return nil }
    return Descriptor(address: address, length: descriptor.length)
  }

  private func countReceived(_ slot: Int, packets: Int, bytes: UInt64, invalid: Int) {
    let counters = queues[slot].counters
    counters.add(.receivedPackets, UInt64(packets))
    counters.add(.receivedBytes, bytes)
    if invalid > 0 { counters.drop(.invalidDescriptor, UInt64(invalid)) }
  }

  /// Goes on with a burst in which packets span several descriptors.
  ///
  /// A chain whose end the kernel has not published stays in the ring for the next burst. A packet with one bad descriptor
  /// is dropped whole, as is one of more descriptors than `maximumFragments`.
  private mutating func receiveFragmented(_ slot: Int) {
    let limit = UInt32(max(batch, Burst.maximumFragments))
    while burst.count < batch {
      let available = queues[slot].receive.available(upTo: limit)
      guard available > 0 else { return }
      if queues[slot].isDiscarding {
        discard(slot, available)
        continue
      }
      guard let length = chainLength(slot, available) else {
        // A ring that is full of one packet can't get its end any more.
        guard available >= min(UInt32(Burst.maximumFragments), queues[slot].receive.size) else { return }
        countReceived(slot, packets: 1, bytes: 0, invalid: 0)
        queues[slot].counters.drop(.tooManyFragments, 1)
        if burst.isCapturing { captureUnseen(.tooManyFragments, slot, 1) }
        queues[slot].isDiscarding = true
        continue
      }
      let last = burst.fragmentCount + Int(length) - 1
      guard last <= burst.receivableFragments else { return }
      takeChain(slot, length)
    }
  }

  /// Descriptors of the chain at the ring's head; nil if its end is not there or it is too long.
  private func chainLength(_ slot: Int, _ available: UInt32) -> UInt32? {
    for place in 0..<min(available, UInt32(Burst.maximumFragments))
    where queues[slot].receive.peek(place).options & Descriptor.continues == 0 {
      return place + 1
    }
    return nil
  }

  private mutating func takeChain(_ slot: Int, _ length: UInt32) {
    let owner = FrameOwners.receive(slot)
    let start = burst.fragmentCount
    var head: Descriptor?
    var fragmentCount = 0
    var bytes: UInt64 = 0
    var isValid = true
    for place in 0..<length {
      guard let plain = accept(queues[slot].receive.peek(place), from: owner) else {
        isValid = false
        continue
      }
      queues[slot].receiveFrames -= 1
      bytes += UInt64(plain.length)
      if head == nil {
        head = plain
      } else {
        burst.fragments[start + fragmentCount] = plain
        fragmentCount += 1
      }
    }
    queues[slot].receive.release(length)
    countReceived(slot, packets: 1, bytes: isValid ? bytes : 0, invalid: isValid ? 0 : 1)
    if burst.isCapturing && !isValid { captureUnseen(.invalidDescriptor, slot, 1) }
    guard var head else { return }
    head.options = fragmentCount == 0 ? 0 : Burst.fragmentOptions(start: start, count: fragmentCount)
    guard isValid else {
      recycle(head)
      return
    }
    burst.fragmentCount = start + fragmentCount
    burst.descriptors[burst.count] = head
    burst.verdicts[burst.count] = .drop(.policy)
    burst.count += 1
  }

  /// Throws descriptors away up to the end of the packet that is too long. It was counted when it was found.
  private mutating func discard(_ slot: Int, _ available: UInt32) {
    let owner = FrameOwners.receive(slot)
    var taken: UInt32 = 0
    while taken < available && queues[slot].isDiscarding {
      let descriptor = queues[slot].receive.peek(taken)
      taken += 1
      if let plain = accept(descriptor, from: owner) {
        queues[slot].receiveFrames -= 1
        burst.pool.push(layout.frame(of: plain.address))
      }
      if descriptor.options & Descriptor.continues == 0 { queues[slot].isDiscarding = false }
    }
    queues[slot].receive.release(taken)
  }

  /// Returns all frames of a packet to the pool.
  mutating func recycle(_ head: Descriptor) {
    burst.pool.push(layout.frame(of: head.address))
    for fragment in Burst.fragmentRange(head) {
      burst.pool.push(layout.frame(of: burst.fragments[fragment].address))
    }
  }

  /// Tops up a queue's fill ring from the pool, half a batch or more at a time.
  mutating func refill(_ slot: Int) {
    let level = queues[slot].fillLevel == 0 ? Int(queues[slot].fill.size) : queues[slot].fillLevel
    let wanted = min(level &- queues[slot].receiveFrames, burst.pool.count)
    guard wanted > 0, wanted &* 2 >= batch || queues[slot].receiveFrames < batch else { return }
    let room = queues[slot].fill.room(for: UInt32(truncatingIfNeeded: wanted))
    let ring = queues[slot].fill.window
    let (layout, owners) = (layout, owners.table)
    let owner = FrameOwners.receive(slot)
    // Room and pool were asked before: no check is left in the loop.
    let count = min(room, UInt32(truncatingIfNeeded: burst.pool.count))
    var top = burst.pool.top
    var given: UInt32 = 0
    while given < count {
      let piece = unsafe ring.piece(from: given, count: count &- given)
      for place in 0..<piece.count {
        let frame = top.popKnown()
        owners.give(layout.index(of: frame), to: owner)
        unsafe piece.baseAddress.unsafelyUnwrapped[place] = frame
      }
      if layout.metadataLength > 0 { unsafe layout.clearMetadata(piece) }
      given &+= UInt32(truncatingIfNeeded: piece.count)
    }
    burst.pool.finish(top)
    queues[slot].fill.advance(by: given)
    queues[slot].receiveFrames &+= Int(given)
    queues[slot].fill.publish()
    // A driver that found the ring empty has stopped. The idle policy asks it to go on, but a worker that another queue
    // keeps busy is never idle.
    if queues[slot].fill.needsWakeup { ringReceive(slot) }
  }
}
