import CXsk

/// One queue of a simulated NIC: the memory of its four rings and its doorbell.
///
/// The worker drives the user half of the same rings as it would a kernel socket's; `SimulatedNIC` is the kernel half.
@safe public final class SimulatedDevice: @unchecked Sendable {
  // @unchecked: holds memory only; who touches which half of it is the rings' protocol.
  let memory: SimulatedRingMemory
  // Four words: TX rings, RX rings, the errno that a ring of the bell answers, and one more than the socket that is called.
  private let words: UnsafeMutablePointer<UInt32>
  public let name: String
  public let sizes: RingSizes

  /// - Parameter startIndex: what all ring indices start from; near 2³² the wrap is reached at once.
  public init(name: String = "sim0", rings sizes: RingSizes = RingSizes(), startIndex: UInt32 = 0) throws(XSKError) {
    try sizes.validate()
    self.name = name
    self.sizes = sizes
    memory = SimulatedRingMemory(sizes, startIndex: startIndex)
    unsafe words = .allocate(capacity: 4)
    unsafe words.initialize(repeating: 0, count: 4)
  }

  deinit { unsafe words.deallocate() }

  var doorbell: SimulatedDoorbell { unsafe SimulatedDoorbell(words: words) }

  /// Times that the worker rang to transmit, and to receive.
  public var transmitRings: UInt32 { unsafe cxsk_load_acquire(words) }
  public var receiveRings: UInt32 { unsafe cxsk_load_acquire(words + 1) }

  /// From now on the bell answers this errno: ENETDOWN for a link that is down, ENXIO for a device that is gone.
  public func answer(errno code: CInt) {
    unsafe cxsk_store_release(words + 2, UInt32(bitPattern: code))
  }

  /// From now on ringing to transmit also makes the system call that a kernel's socket takes, sendto(2), on this socket:
  /// for measuring what it costs. An unconnected datagram socket refuses it and does nothing.
  ///
  /// - Parameter socket: a descriptor that stays open as long as the device is used; nil: no call.
  public func call(socket: CInt?) {
    unsafe cxsk_store_release(words + 3, UInt32(bitPattern: (socket ?? -1) + 1))
  }
}
