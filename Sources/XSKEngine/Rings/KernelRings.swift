import CXsk

/// The kernel half of a queue's four rings: what the simulated NIC has in its hands.
///
/// The same memory and the same indices as the user half, from the other side.
@safe struct KernelRings: ~Copyable {
  // Safe: every entry is reached through an index that is masked to its ring.
  var fill: ConsumerIndices
  let fillEntries: UnsafeMutablePointer<UInt64>
  let fillFlags: UnsafeMutablePointer<UInt32>
  var completion: ProducerIndices
  let completionEntries: UnsafeMutablePointer<UInt64>
  var receive: ProducerIndices
  let receiveEntries: UnsafeMutablePointer<Descriptor>
  var transmit: ConsumerIndices
  let transmitEntries: UnsafeMutablePointer<Descriptor>
  let transmitFlags: UnsafeMutablePointer<UInt32>

  init(_ memory: borrowing SimulatedRingMemory) {
    fill = unsafe ConsumerIndices(memory.fill)
    unsafe fillEntries = memory.fill.entries.assumingMemoryBound(to: UInt64.self)
    unsafe fillFlags = memory.fill.flags
    completion = unsafe ProducerIndices(memory.completion)
    unsafe completionEntries = memory.completion.entries.assumingMemoryBound(to: UInt64.self)
    receive = unsafe ProducerIndices(memory.receive)
    unsafe receiveEntries = memory.receive.entries.assumingMemoryBound(to: Descriptor.self)
    transmit = unsafe ConsumerIndices(memory.transmit)
    unsafe transmitEntries = memory.transmit.entries.assumingMemoryBound(to: Descriptor.self)
    unsafe transmitFlags = memory.transmit.flags
  }

  /// The next frame to receive into, if userspace gave one.
  mutating func takeFill() -> UInt64? {
    guard fill.available(upTo: 1) == 1 else { return nil }
    let frame = unsafe fillEntries[Int(fill.next & (fill.size &- 1))]
    fill.next = fill.next &+ 1
    return frame
  }

  /// Writes a received descriptor; false: the RX ring is full.
  mutating func putReceive(_ descriptor: Descriptor) -> Bool {
    guard receive.room(for: 1) == 1 else { return false }
    unsafe receiveEntries[Int(receive.next & (receive.size &- 1))] = descriptor
    receive.next = receive.next &+ 1
    return true
  }

  /// The next descriptor to transmit.
  mutating func takeTransmit() -> Descriptor? {
    guard transmit.available(upTo: 1) == 1 else { return nil }
    let descriptor = unsafe transmitEntries[Int(transmit.next & (transmit.size &- 1))]
    transmit.next = transmit.next &+ 1
    return descriptor
  }

  /// Gives a transmitted address back; false: the completion ring is full.
  mutating func putCompletion(_ address: UInt64) -> Bool {
    guard completion.room(for: 1) == 1 else { return false }
    unsafe completionEntries[Int(completion.next & (completion.size &- 1))] = address
    completion.next = completion.next &+ 1
    return true
  }

  /// Publishes all four indices.
  func publish() {
    fill.release()
    receive.publish()
    transmit.release()
    completion.publish()
  }

  func setTransmitNeedsWakeup(_ needed: Bool) {
    unsafe cxsk_store_relaxed(transmitFlags, needed ? CXSK_RING_NEED_WAKEUP : 0)
  }

  func setFillNeedsWakeup(_ needed: Bool) {
    unsafe cxsk_store_relaxed(fillFlags, needed ? CXSK_RING_NEED_WAKEUP : 0)
  }
}

/// Sizes of a queue's rings in entries, each a power of two.
public struct RingSizes: Hashable, Sendable {
  public var fill: UInt32
  public var completion: UInt32
  public var receive: UInt32
  public var transmit: UInt32

  /// The fill ring is twice the RX ring by default, up to the largest ring there is: frames may wait in both at once
  /// (design: fill ≥ 2 × RX).
  public init(receive: UInt32 = 2048, transmit: UInt32 = 2048, fill: UInt32? = nil, completion: UInt32? = nil) {
    self.receive = receive
    self.transmit = transmit
    self.fill = fill ?? min(receive, 32768) * 2
    self.completion = completion ?? transmit
  }

  /// Every size is a power of two in 1…65,536; otherwise what is wrong.
  func validate() throws(XSKError) {
    for (name, size) in [("RX", receive), ("TX", transmit), ("fill", fill), ("completion", completion)]
    where size == 0 || size > 65536 || size & (size - 1) != 0 {
      throw XSKError(
        "\(name) ring of \(size) entries", "not a power of two from 1 to 65536", remedy: "give one, such as 2048")
    }
  }
}

/// Four rings in anonymous memory, indices and entries laid out as the kernel does: each index on its own cache line.
@safe struct SimulatedRingMemory: ~Copyable {
  // Safe: the block is owned here, freed in deinit, and sized from the same numbers as the rings in it.
  private let block: UnsafeMutableRawPointer
  let fill: RingMemory
  let completion: RingMemory
  let receive: RingMemory
  let transmit: RingMemory

  /// - Parameter startIndex: what all indices start from, so that a test reaches the wrap past 2³² at once.
  init(_ sizes: RingSizes, startIndex: UInt32 = 0) {
    let bytes = [sizes.fill * 8, sizes.completion * 8, sizes.receive * 16, sizes.transmit * 16].map { 256 + Int($0) }
    unsafe block = UnsafeMutableRawPointer.allocate(byteCount: bytes.reduce(0, +), alignment: 4096)
    unsafe block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.reduce(0, +))
    var next = unsafe block
    func place(_ size: UInt32, _ length: Int) -> RingMemory {
      defer { unsafe next += length }
      let index = unsafe next.assumingMemoryBound(to: UInt32.self)
      unsafe index[0] = startIndex
      unsafe index[16] = startIndex
      return unsafe RingMemory(
        producer: index, consumer: index + 16, flags: index + 32, entries: next + 256, size: size)
    }
    unsafe fill = place(sizes.fill, bytes[0])
    unsafe completion = place(sizes.completion, bytes[1])
    unsafe receive = place(sizes.receive, bytes[2])
    unsafe transmit = place(sizes.transmit, bytes[3])
  }

  deinit { unsafe block.deallocate() }
}
