import CXsk

/// Packets that begin here: read from a TAP device, answers to others. Only in `PacketHandler.originate`.
extension Burst {
  /// Frames that a packet with this verdict may still take in this turn: what the pool and the burst have, and the TX ring
  /// that it would leave by. A full ring keeps nothing from others.
  @inlinable public func room(for verdict: Verdict) -> Int { composeRoom.room(for: verdict) }

  /// Whether a packet of `length` bytes can be composed in this turn, later, or never.
  @inlinable public func fit(length: Int, for verdict: Verdict) -> ComposeFit {
    let frames = framesNeeded(forLength: length)
    if frames <= composeRoom.room(for: verdict) && frames <= Self.maximumFragments { return .now }
    return frames <= min(Self.maximumFragments, layout.frameCount, composeRoom.most(for: verdict)) ? .later : .never
  }

  /// Frames that a packet of `length` bytes takes.
  @inlinable public func framesNeeded(forLength length: Int) -> Int {
    let room = layout.chunkSize &- UMEMConfiguration.xdpHeadroom
    return max(1, (length &+ room &- 1) / room)
  }

  /// Adds a packet of the worker's own to the burst: `header`, then `payload`. It counts as received on the local port.
  ///
  /// - Returns: whether there were frames for it; if not it counts as dropped (`no_frame`). Ask `fit` before.
  /// - Precondition: called within `PacketHandler.originate`.
  @discardableResult
  public mutating func compose(_ verdict: Verdict, _ header: RawSpan, _ payload: RawSpan = RawSpan()) -> Bool {
    precondition(isLocal, "packets are composed in PacketHandler.originate only")
    let length = header.byteCount + payload.byteCount
    let frames = framesNeeded(forLength: length)
    guard frames <= composeRoom.room(for: verdict), frames <= Self.maximumFragments, frames <= pool.count else {
      uncomposed += 1
      return false
    }
    let start = fragmentCount
    var written = 0
    for place in 0..<frames {
      guard let frame = pool.pop() else { preconditionFailure("the pool was asked before") }
      let size = min(length - written, layout.chunkSize - UMEMConfiguration.xdpHeadroom)
      let descriptor = Descriptor(
        address: frame + UInt64(UMEMConfiguration.xdpHeadroom), length: UInt32(size))
      if place == 0 && hasMetadata { layout.clearMetadata(aheadOf: descriptor.address) }
      fill(descriptor, from: written, header, payload)
      written += size
      if place == 0 { descriptors[count] = descriptor } else { fragments[start + place - 1] = descriptor }
    }
    fragmentCount = start + frames - 1
    if frames > 1 { descriptors[count].options = Self.fragmentOptions(start: start, count: frames - 1) }
    verdicts[count] = verdict
    count += 1
    composeRoom.spend(frames, for: verdict)
    return true
  }

  /// Copies that piece of (header, payload) to a frame which begins `offset` bytes into both.
  private func fill(_ descriptor: Descriptor, from offset: Int, _ header: RawSpan, _ payload: RawSpan) {
    let length = Int(descriptor.length)
    // Safe: the frame came from the pool, so it is in the UMEM and nobody else's, and the length fits its chunk.
    let target = unsafe UnsafeMutableRawBufferPointer(start: layout.pointer(to: descriptor.address), count: length)
    let fromHeader = min(length, max(0, header.byteCount - offset))
    if fromHeader > 0 {
      unsafe header.extracting(offset..<offset + fromHeader).withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
    let rest = length - fromHeader
    guard rest > 0 else { return }
    let first = offset + fromHeader - header.byteCount
    unsafe payload.extracting(first..<first + rest).withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[fromHeader...]).copyMemory(from: $0)
    }
  }
}

extension WorkerCore {
  /// Begins a burst for packets of the worker's own.
  ///
  /// - Returns: whether it may have any: it has a local port, and is not about to stop.
  @usableFromInline mutating func beginOriginating() -> Bool {
    guard localSlot >= 0, !burst.isDraining else { return false }
    beginBurst(localSlot)
    makeComposeRoom()
    (burst.isLocal, burst.uncomposed) = (true, 0)
    return true
  }

  /// Carries out what the handler has decided for its own packets.
  @usableFromInline mutating func finishOriginating() {
    burst.isLocal = false
    guard burst.count > 0 || burst.uncomposed > 0 else { return }
    var bytes = 0
    for index in 0..<burst.count { bytes += burst.length(index) }
    let counters = queues[localSlot].counters
    counters.add(.receivedPackets, UInt64(burst.count + burst.uncomposed))
    counters.add(.receivedBytes, UInt64(bytes))
    if burst.uncomposed > 0 {
      counters.drop(.noFrame, UInt64(burst.uncomposed))
      if burst.isCapturing { captureUnseen(.noFrame, localSlot, burst.uncomposed) }
    }
    turnPackets &+= burst.count
    dispatch()
  }
}
