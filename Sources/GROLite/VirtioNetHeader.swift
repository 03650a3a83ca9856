/// The header before a frame on a TAP device or a virtio queue (`struct virtio_net_hdr`, linux/virtio_net.h), in host order
/// of a little-endian machine.
@frozen public struct VirtioNetHeader: Hashable, Sendable {
  /// `VIRTIO_NET_HDR_F_…`: 1 NEEDS_CSUM.
  public var flags: UInt8
  /// `VIRTIO_NET_HDR_GSO_…`: 0 none, 1 TCPV4, 4 TCPV6, 5 UDP_L4.
  public var gsoType: UInt8
  /// Bytes of all headers.
  public var headerLength: UInt16
  /// Payload bytes of a segment.
  public var gsoSize: UInt16
  /// Where checksumming starts: the transport header, in bytes from the frame's start.
  public var checksumStart: UInt16
  /// Where the checksum goes, in bytes from there.
  public var checksumOffset: UInt16

  /// The header of a frame that is complete as it is.
  @inlinable
  public init() {
    (flags, gsoType, headerLength, gsoSize, checksumStart, checksumOffset) = (0, 0, 0, 0, 0, 0)
  }

  @inlinable public static var needsChecksum: UInt8 { 1 }
  @inlinable public static var gsoTCPv4: UInt8 { 1 }
  @inlinable public static var gsoTCPv6: UInt8 { 4 }
  @inlinable public static var gsoUDP: UInt8 { 5 }
  /// Beside a TCP type: the segments carry ECN's marks (CWR on the first).
  @inlinable public static var gsoECN: UInt8 { 0x80 }

  /// Reads one from the start of `bytes`.
  ///
  /// - Precondition: there are 10 bytes.
  @inlinable
  public init(_ bytes: RawSpan) {
    (flags, gsoType) = (bytes.byte(0), bytes.byte(1))
    (headerLength, gsoSize) = (bytes.word(2), bytes.word(4))
    (checksumStart, checksumOffset) = (bytes.word(6), bytes.word(8))
  }

  /// Its bytes, without the buffer count that `IFF_VNET_HDR` sizes above 10 add.
  @inlinable public static var byteCount: Int { 10 }

  /// Writes it to the start of `bytes`.
  ///
  /// - Precondition: there is room for 10 bytes.
  @inlinable
  public func write(to bytes: inout MutableRawSpan) {
    bytes.storeBytes(of: flags, toByteOffset: 0, as: UInt8.self)
    bytes.storeBytes(of: gsoType, toByteOffset: 1, as: UInt8.self)
    bytes.storeBytes(of: headerLength, toByteOffset: 2, as: UInt16.self)
    bytes.storeBytes(of: gsoSize, toByteOffset: 4, as: UInt16.self)
    bytes.storeBytes(of: checksumStart, toByteOffset: 6, as: UInt16.self)
    bytes.storeBytes(of: checksumOffset, toByteOffset: 8, as: UInt16.self)
  }
}
