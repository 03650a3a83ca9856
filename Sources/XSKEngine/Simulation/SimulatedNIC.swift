import CXsk

/// The kernel half of a queue's four rings, in memory: receives from the caller, transmits to the caller.
///
///      receive(…) ──► frames of the fill ring ──► RX ring ──► worker
///      transmit(…) ◄── TX ring ◄── worker        completion ring ──► worker
///
/// One thread steps it: the test's own, or one that does nothing else for two-core benchmarks. It honours need_wakeup when
/// told to, and misbehaves on request (`faults`).
public struct SimulatedNIC: ~Copyable {
  private var rings: KernelRings
  private let device: SimulatedDevice
  private let umem: UMEM
  private var heardTransmitRings: UInt32 = 0
  /// Where packets would go whose frames were taken but not used: kept for the next, as the kernel does.
  private var spare: [UInt64] = []
  /// What is to go wrong from now on.
  public var faults = SimulatedFaults()
  /// As XDP_STATISTICS counts them.
  public private(set) var statistics = SocketStatistics()
  /// Nothing is transmitted unless the bell was rung, as in the kernel's copy mode.
  public var needsWakeup: Bool {
    didSet { rings.setTransmitNeedsWakeup(needsWakeup) }
  }

  public init(_ device: SimulatedDevice, umem: UMEM, needsWakeup: Bool = true) {
    self.device = device
    self.umem = umem
    rings = KernelRings(device.memory)
    self.needsWakeup = needsWakeup
    rings.setTransmitNeedsWakeup(needsWakeup)
  }

  /// Bytes ahead of a received packet: XDP's own and the headroom asked for.
  private var headroom: Int { UMEMConfiguration.xdpHeadroom + umem.configuration.headroom }

  private func address(of frame: UInt64) -> UInt64 {
    umem.configuration.unaligned ? frame | UInt64(headroom) << 48 : umem.layout.frame(of: frame) + UInt64(headroom)
  }

  // MARK: Receiving

  /// Receives packets of `length` bytes whose content is whatever the frames hold: no byte is touched.
  ///
  /// - Returns: packets that found a frame and a place in the RX ring.
  @discardableResult
  public mutating func receive(count: Int, length: UInt32) -> Int {
    let room = Int(rings.receive.room(for: UInt32(clamping: count)))
    var received = 0
    while received < room, let address = takeFrame() {
      _ = rings.putReceive(Descriptor(address: address, length: length))  // There is room.
      received += 1
    }
    if received == room { statistics.rxRingFull += UInt64(count - room) }
    rings.publish()
    return received
  }

  /// Receives one packet, copied into as many frames as it needs: all of it or, for want of frames or places, nothing.
  ///
  /// - Returns: whether it got through; if not, the statistics say why.
  @discardableResult
  public mutating func receive(_ packet: [UInt8]) -> Bool {
    // Safe: bytes have no padding.
    receive(unsafe packet.span.bytes)
  }

  /// As `receive(_:)` of an array.
  @discardableResult
  public mutating func receive(_ packet: RawSpan) -> Bool {
    defer { rings.publish() }
    let room = umem.configuration.chunkSize - headroom
    let pieces = max(1, (packet.byteCount + room - 1) / room)
    guard rings.receive.room(for: UInt32(pieces)) == pieces else {
      statistics.rxRingFull += 1
      return false
    }
    guard gatherFrames(pieces) else { return false }
    var rest = packet
    repeat {
      let address = spare.removeLast()
      let piece = rest.extracting(first: room)
      rest = rest.extracting(droppingFirst: piece.byteCount)
      write(piece, at: address)
      let descriptor = Descriptor(
        address: address, length: UInt32(piece.byteCount), options: rest.isEmpty ? 0 : Descriptor.continues)
      _ = rings.putReceive(corrupted(descriptor))  // There is room.
    } while !rest.isEmpty
    return true
  }

  /// Receives one packet of `length` bytes, of which the first are `head`; the others are whatever the frame holds.
  ///
  /// - Parameters:
  ///   - evicting: leaves what was written in memory and in no cache, as a NIC does that writes past them.
  /// - Returns: whether it got through; if not, the statistics say why.
  @discardableResult
  public mutating func receive(head: RawSpan, length: UInt32, evicting: Bool = false) -> Bool {
    defer { rings.publish() }
    guard rings.receive.room(for: 1) == 1 else {
      statistics.rxRingFull += 1
      return false
    }
    guard let packed = takeFrame() else { return false }
    let address = umem.layout.plain(packed)
    guard head.byteCount <= Int(length), umem.layout.contains(address, length: length) else {
      spare.append(packed)
      return false
    }
    // Safe: the range was checked; the frame is this half's until the descriptor is published.
    unsafe head.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe umem.layout.pointer(to: address).copyMemory(from: start, byteCount: source.count)
    }
    if evicting { unsafe cxsk_evict(umem.layout.pointer(to: address), head.byteCount) }
    return rings.putReceive(Descriptor(address: packed, length: length))
  }

  /// Takes frames until `count` of them are spare.
  private mutating func gatherFrames(_ count: Int) -> Bool {
    while spare.count < count {
      guard let address = takeFilled() else { return false }
      spare.append(address)
    }
    return true
  }

  /// Puts any descriptor on the RX ring, true or not.
  public mutating func receive(raw descriptor: Descriptor) -> Bool {
    defer { rings.publish() }
    return rings.putReceive(descriptor)
  }

  /// The address that the next packet would be received at, taken off the fill ring.
  public mutating func takeFrame() -> UInt64? { spare.popLast() ?? takeFilled() }

  private mutating func takeFilled() -> UInt64? {
    guard !faults.starvesFillRing, let frame = rings.takeFill() else {
      rings.setFillNeedsWakeup(true)
      statistics.fillRingEmpty += 1
      return nil
    }
    guard umem.layout.contains(frame, length: 0) else {
      statistics.rxInvalidDescriptors += 1
      return nil
    }
    rings.setFillNeedsWakeup(false)
    return address(of: frame)
  }

  private func write(_ bytes: RawSpan, at address: UInt64) {
    let address = umem.layout.plain(address)
    guard umem.layout.contains(address, length: UInt32(bytes.byteCount)) else { return }
    // Safe: the range was checked; the frame is this half's until the descriptor is published.
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe umem.layout.pointer(to: address).copyMemory(from: start, byteCount: source.count)
    }
  }

  private mutating func corrupted(_ descriptor: Descriptor) -> Descriptor {
    guard faults.invalidDescriptors > 0 else { return descriptor }
    faults.invalidDescriptors -= 1
    return Descriptor(address: umem.layout.size + 64, length: descriptor.length, options: descriptor.options)
  }

  // MARK: Transmitting

  /// Transmits what the TX ring holds, at most `limit` descriptors, and posts completions.
  ///
  /// - Parameter body: is given each descriptor's bytes and whether the packet goes on in the next.
  /// - Returns: descriptors transmitted.
  @discardableResult
  public mutating func transmit(limit: Int = .max, _ body: (RawSpan, Bool) -> Void = { _, _ in }) -> Int {
    guard !faults.stallsTransmit, mayTransmit() else { return 0 }
    var sent = 0
    while sent < limit, rings.completion.room(for: 1) == 1, let descriptor = rings.takeTransmit() {
      let address = umem.layout.plain(descriptor.address)
      guard umem.layout.contains(address, length: descriptor.length) else {
        statistics.txInvalidDescriptors += 1
        continue
      }
      // Safe: the range was just checked; the frame is this half's until its completion is published.
      let bytes = unsafe RawSpan(
        _unsafeStart: umem.layout.pointer(to: address), byteCount: Int(descriptor.length))
      body(bytes, descriptor.options & Descriptor.continues != 0)
      sent += 1
      guard faults.lostCompletions == 0 else {
        faults.lostCompletions -= 1
        continue
      }
      _ = rings.putCompletion(descriptor.address)
    }
    if sent == 0 { statistics.txRingEmpty += 1 }
    rings.publish()
    return sent
  }

  /// Drains the TX ring and posts completions without a look at the bytes, whatever the doorbell says.
  @discardableResult
  public mutating func completeAll() -> Int {
    var sent = 0
    while rings.completion.room(for: 1) == 1, let descriptor = rings.takeTransmit() {
      _ = rings.putCompletion(descriptor.address)  // There is room.
      sent += 1
    }
    rings.publish()
    return sent
  }

  private mutating func mayTransmit() -> Bool {
    guard needsWakeup else { return true }
    let rung = device.transmitRings
    defer { heardTransmitRings = rung }
    return rung != heardTransmitRings
  }

  /// Posts an address to the completion ring that was never transmitted.
  public mutating func complete(raw address: UInt64) -> Bool {
    defer { rings.publish() }
    return rings.putCompletion(address)
  }

  /// The device is gone: the doorbell answers ENXIO from now on.
  public func die() { device.answer(errno: 6) }
}

/// How a simulated NIC misbehaves.
public struct SimulatedFaults: Sendable {
  /// Completions still to be lost, as a NIC reset loses them.
  public var lostCompletions = 0
  /// Nothing is taken from the fill ring.
  public var starvesFillRing = false
  /// Received descriptors still to be pointed outside the UMEM.
  public var invalidDescriptors = 0
  /// Nothing is taken from the TX ring.
  public var stallsTransmit = false

  public init() {}
}
