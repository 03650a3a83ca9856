import CXsk
import Glibc

/// One worker's way into a TAP device: gathers a packet's pieces from where they lie, and hands it to the stack with one
/// writev(2).
///
///      piece   0                       1             2        …
///            [ virtio-net │ headers ][ payload   ][ payload ]
///              scratch of the queue    a frame of the burst each
///
/// Addresses of packet bytes are kept within one call of `send` only, while the burst is borrowed.
@safe public struct TapQueue: ~Copyable {
  // Kept so that the descriptor stays open.
  @usableFromInline let device: TapDevice
  @usableFromInline let descriptor: CInt
  // Safe: owned here, `maximumPieces` + 1 places, written by `TapPieces`, which checks.
  @usableFromInline let pieces: UnsafeMutablePointer<cxsk_piece>
  // Safe: owned here, `headerSize + maximumHeaders` bytes.
  @usableFromInline let scratch: UnsafeMutableRawPointer

  /// Pieces of one packet: the kernel takes 1,024 (UIO_MAXIOV), of which one holds the headers.
  public static let maximumPieces = 1023
  /// Bytes of headers that can be made for a packet.
  public static let maximumHeaders = 256

  init(_ device: TapDevice, _ descriptor: CInt) {
    self.device = device
    self.descriptor = descriptor
    unsafe pieces = .allocate(capacity: Self.maximumPieces + 1)
    let size = TapDevice.headerSize + Self.maximumHeaders
    unsafe scratch = .allocate(byteCount: size, alignment: 16)
    unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  }

  @inlinable deinit {
    unsafe pieces.deallocate()
    unsafe scratch.deallocate()
  }

  /// Readable when the stack has something to send; −1 once the device is gone: poll(2) would answer an error at once, each
  /// time.
  public var wakeDescriptor: CInt { device.isGone ? -1 : descriptor }

  /// What the device's two sides may hand each other.
  public var offloads: TapOffloads { device.offloads }

  /// Room for the virtio-net header of the next packet: `TapDevice.headerSize` bytes, as the last packet had them.
  @_lifetime(&self)
  public mutating func virtioHeader() -> MutableRawSpan {
    // Safe: the scratch has as many bytes, and lives as long as the queue.
    let span = unsafe MutableRawSpan(_unsafeStart: scratch, byteCount: TapDevice.headerSize)
    return unsafe _overrideLifetime(span, mutating: &self)
  }

  /// Room for headers that are made for a packet: `maximumHeaders` bytes.
  @_lifetime(&self)
  public mutating func headers() -> MutableRawSpan {
    // Safe: as in `virtioHeader`.
    let span = unsafe MutableRawSpan(
      _unsafeStart: scratch + TapDevice.headerSize, byteCount: Self.maximumHeaders)
    return unsafe _overrideLifetime(span, mutating: &self)
  }

  /// The first bytes of what was written to `headers()`.
  @_lifetime(borrow self)
  public func headers(first count: Int) -> RawSpan {
    precondition(count >= 0 && count <= Self.maximumHeaders)
    // Safe: checked against the scratch's size.
    let span = unsafe RawSpan(_unsafeStart: scratch + TapDevice.headerSize, byteCount: count)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// Hands a packet to the stack: the virtio-net header, that many bytes of made headers, and the pieces that `gather` adds.
  ///
  /// - Parameter burst: what the pieces are of.
  /// - Returns: whether the stack took it. It does not when the device is down or gone, or the packet is none.
  @inlinable @inline(__always)
  public mutating func send(
    from burst: borrowing Burst, headers count: Int = 0, _ gather: (inout TapPieces) -> Void
  ) -> Bool {
    precondition(count >= 0 && count <= Self.maximumHeaders)
    let length = TapDevice.headerSize + count
    unsafe pieces[0] = cxsk_piece(base: scratch, length: length)
    // Safe: the array has the room that it says, and it, scratch and burst stay where they are until this returns.
    var list = unsafe TapPieces(burst.packets, pieces, length: length)
    gather(&list)
    return write(list.count, list.length)
  }

  /// - Parameters:
  ///   - count: pieces that were gathered.
  ///   - length: their bytes.
  @usableFromInline
  func write(_ count: Int, _ length: Int) -> Bool {
    // As many pieces were written, each with an address that is good until `send` returns.
    let written = unsafe cxsk_tap_write(descriptor, pieces, CInt(truncatingIfNeeded: count))
    if written == -Int(EBADFD) { device.noteGone() }
    return written == length
  }

  func noteGone() { device.noteGone() }
}
