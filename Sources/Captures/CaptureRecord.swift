import CCaptures

/// What a capture says of a packet besides its bytes.
public struct CaptureRecord: Hashable, Sendable {
  /// When it was captured: Unix time. A pcap file has room for 32 bits of it.
  public var seconds: Int64
  /// 0…999,999,999.
  public var nanoseconds: UInt32
  /// Bytes that it had then: more than the capture has of it where that was limited (tcpdump's `-s`).
  public var length: UInt32

  public init(seconds: Int64 = 0, nanoseconds: UInt32 = 0, length: UInt32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
    self.length = length
  }

  /// Bytes of a packet that libpcap reads and writes at most.
  public static let maximumBytes = Int(CCAPTURES_SNAPLEN)
}
