import CXsk
import Glibc

/// One worker's way into a TAP device: gathers a packet's pieces from where they lie, and hands it to the stack with one
/// writev(2).
///
///      piece   0                       1             2        …
///            [ virtio-net │ headers ][ payload   ][ payload ]
///              scratch of the queue    a frame of the burst each
///
/// This is one of the few places that keep raw addresses of packet bytes: from `begin` to `send`, both within the handling of
/// one burst.
@safe public struct TapQueue: ~Copyable {
  // Kept so that the descriptor stays open.
  @usableFromInline let device: TapDevice
  @usableFromInline let descriptor: CInt
  // Safe: owned here, written up to `pieceCount`, which never exceeds its room.
  @usableFromInline let pieces: UnsafeMutablePointer<cxsk_piece>
  @usableFromInline var pieceCount = 0
  @usableFromInline var length = 0
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

  /// Readable when the stack has something to send.
  public var wakeDescriptor: CInt { descriptor }

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

  /// Begins a packet: the virtio-net header, and that many bytes of made headers.
  public mutating func begin(headers count: Int = 0) {
    precondition(count >= 0 && count <= Self.maximumHeaders)
    length = TapDevice.headerSize + count
    unsafe pieces[0] = cxsk_piece(base: scratch, length: length)
    pieceCount = 1
  }

  /// Adds bytes of a packet of the burst (of its first descriptor). They must stay there until `send`.
  public mutating func append(_ index: Int, of burst: borrowing Burst, _ range: Range<Int>) {
    append(burst.bytes(index).extracting(range))
  }

  /// Adds a whole packet of the burst, over all of its descriptors.
  public mutating func append(_ index: Int, of burst: borrowing Burst) {
    append(burst.bytes(index))
    for fragment in Burst.fragmentRange(burst.descriptors[index]) {
      append(burst.bytes(ofFragment: burst.fragments[fragment]))
    }
  }

  @inline(__always)
  private mutating func append(_ bytes: RawSpan) {
    precondition(pieceCount <= Self.maximumPieces, "a packet of more pieces than writev takes")
    // In bounds: checked. The address stays valid until `send`: it lies in the UMEM, which outlives the burst.
    unsafe bytes.withUnsafeBytes { unsafe pieces[pieceCount] = cxsk_piece(base: $0.baseAddress, length: $0.count) }
    pieceCount &+= 1
    length &+= bytes.byteCount
  }

  /// Hands the packet to the stack.
  ///
  /// - Returns: whether the stack took it. It does not when the device is down or gone, or the packet is none.
  public mutating func send() -> Bool {
    // The pieces were written by `begin` and `append`, and each one's bytes are still there.
    let written = unsafe cxsk_tap_write(descriptor, pieces, CInt(truncatingIfNeeded: pieceCount))
    pieceCount = 0
    if written == -Int(EBADFD) { device.noteGone() }
    return written == length
  }

  func noteGone() { device.noteGone() }
}

extension Burst {
  /// The bytes of a descriptor behind a packet's first.
  @_lifetime(borrow self)
  func bytes(ofFragment descriptor: Descriptor) -> RawSpan {
    // Safe: as in `bytes`.
    let span = unsafe RawSpan(
      _unsafeStart: layout.pointer(to: descriptor.address), byteCount: Int(descriptor.length))
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}
