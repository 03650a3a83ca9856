import CXsk

extension RawSpan {
  /// Asks for the two cache lines that hold a packet's headers: Ethernet, IP, TCP with options. Call it 8 to 16 packets
  /// ahead of parsing: sooner and lines are evicted again, later and the parser waits for memory.
  @inlinable @inline(always)
  public func prefetchHeaders() {
    // The prefetch instruction reads nothing and never faults, so the second line may lie past the span.
    unsafe withUnsafeBytes { bytes in
      unsafe cxsk_prefetch(bytes.baseAddress)
      unsafe cxsk_prefetch(UnsafeRawPointer(bitPattern: UInt(bitPattern: bytes.baseAddress) &+ 64))
    }
  }
}
