import GROLite
import Glibc
import PacketHeaders

/// What `writev` to a TAP device is given for a unit: a virtio-net header, its headers, then payload where it lies.
@safe struct GatherList: ~Copyable {
  // Safe: owned here, and every place is checked.
  private let pieces: UnsafeMutablePointer<iovec>
  private let headers: UnsafeMutableRawPointer
  private let capacity: Int
  private var count = 0

  /// Where the headers are in their memory; the virtio-net header is at its start.
  private static let headerOffset = 64

  /// - Parameter packets: of a unit at most.
  init(packets: Int) {
    capacity = packets + 2
    unsafe pieces = .allocate(capacity: capacity)
    unsafe headers = .allocate(
      byteCount: Self.headerOffset + PacketSummary.maximumMergeableHeader, alignment: 64)
  }

  deinit {
    unsafe pieces.deallocate()
    unsafe headers.deallocate()
  }

  mutating func clear() { count = 0 }

  /// Where a super-frame's headers are to be written.
  var room: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      // Safe: as many bytes were allocated, and nobody else has them while the span lives.
      let span = unsafe MutableRawSpan(
        _unsafeStart: headers + Self.headerOffset, byteCount: PacketSummary.maximumMergeableHeader)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// Adds a virtio-net header, and as much of what was written to `room` as it says.
  mutating func addHeaders(_ header: VirtioNetHeader) {
    precondition(Int(header.headerLength) <= PacketSummary.maximumMergeableHeader)
    // Safe: as above.
    var span = unsafe MutableRawSpan(_unsafeStart: headers, byteCount: Self.headerOffset)
    header.write(to: &span)
    unsafe add(headers, VirtioNetHeader.byteCount)
    if header.headerLength > 0 { unsafe add(headers + Self.headerOffset, Int(header.headerLength)) }
  }

  @inline(__always)
  mutating func add(_ bytes: RawSpan) {
    // Only noted here: frames are the burst's until their verdicts are carried out.
    unsafe bytes.withUnsafeBytes { unsafe add($0.baseAddress, $0.count) }
  }

  @inline(__always) @unsafe
  private mutating func add(_ base: UnsafeRawPointer?, _ length: Int) {
    precondition(count < capacity)
    // Safe: the place was checked.
    unsafe pieces[count] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: length)
    count &+= 1
  }
}
