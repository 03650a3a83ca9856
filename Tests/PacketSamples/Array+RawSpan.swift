extension [UInt8] {
  /// The bytes as a packet.
  public var packet: RawSpan {
    @_lifetime(borrow self)
    get {
      // A span of bytes has no padding to be read by mistake.
      unsafe span.bytes
    }
  }

  /// Changes the bytes as one changes a packet.
  public mutating func withMutablePacket(_ change: (inout MutableRawSpan) -> Void) {
    var span = mutableSpan
    // Any bit pattern is a byte.
    var bytes = unsafe span.mutableBytes
    change(&bytes)
  }
}
