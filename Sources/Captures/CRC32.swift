import CCaptures

/// CRC-32 as Ethernet, zlib and PNG have it (IEEE 802.3, polynomial 0x04C11DB7 reflected).
public struct CRC32: Hashable, Sendable {
  /// Of the bytes so far; of none: 0.
  public private(set) var value: UInt32 = 0

  public init() {}

  /// Goes on over `bytes`.
  public mutating func add(_ bytes: RawSpan) {
    let start = value
    // Safe: the span is valid for the call.
    value = unsafe bytes.withUnsafeBytes { unsafe ccaptures_crc32(start, $0.baseAddress, $0.count) }
  }
}
