import CXsk
import Glibc

/// Where a frame lies that the stack sends through a TAP device, until its packets have left: room for the largest, 64 KiB.
@safe public struct TapStaging: ~Copyable {
  // Safe: owned here, `capacity` bytes, of which `length` were read.
  @usableFromInline let memory: UnsafeMutableRawPointer
  @usableFromInline var length = 0

  /// The largest IP packet, an Ethernet header with two VLAN tags, and the virtio-net header, rounded up.
  public static let capacity = 66 << 10

  public init() {
    unsafe memory = .allocate(byteCount: Self.capacity, alignment: 64)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity)
  }

  @inlinable deinit { unsafe memory.deallocate() }

  /// Takes the next frame off the device; it stands in the place of the last one.
  ///
  /// - Returns: whether there was one. One that is too short for a virtio-net header is passed over: the kernel makes none.
  public mutating func read(from queue: borrowing TapQueue) -> Bool {
    // In bounds: the memory has as many bytes as it says.
    let count = unsafe cxsk_tap_read(queue.descriptor, memory, Self.capacity)
    if count == -Int(EBADFD) { queue.noteGone() }
    length = max(0, count)
    return length >= TapDevice.headerSize
  }

  /// The virtio-net header. Only after a frame was read.
  public var virtioHeader: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: the memory has as many bytes, all of them initialised.
      let span = unsafe RawSpan(_unsafeStart: memory, byteCount: TapDevice.headerSize)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The frame behind it.
  public var frame: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: what was read is no longer than the memory.
      let span = unsafe RawSpan(
        _unsafeStart: memory + TapDevice.headerSize, byteCount: max(0, length - TapDevice.headerSize))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The frame, to be completed in place.
  @_lifetime(&self)
  public mutating func mutableFrame() -> MutableRawSpan {
    // Safe: as in `frame`.
    let span = unsafe MutableRawSpan(
      _unsafeStart: memory + TapDevice.headerSize, byteCount: max(0, length - TapDevice.headerSize))
    return unsafe _overrideLifetime(span, mutating: &self)
  }
}
