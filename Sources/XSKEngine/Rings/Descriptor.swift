import CXsk

/// One entry of an RX or TX ring (struct xdp_desc): where a packet, or a piece of one, lies in the UMEM.
@frozen public struct Descriptor: Equatable, Sendable {
  /// Offset from the UMEM's start; with unaligned chunks the upper 16 bits are an offset to add to the lower 48.
  public var address: UInt64
  /// Bytes, from `address` on.
  public var length: UInt32
  /// `Descriptor.continues`, or flags that the kernel defines.
  public var options: UInt32

  @inlinable public init(address: UInt64, length: UInt32, options: UInt32 = 0) {
    self.address = address
    self.length = length
    self.options = options
  }

  /// The packet goes on in the next descriptor (XDP_PKT_CONTD).
  @inlinable public static var continues: UInt32 { CXSK_DESCRIPTOR_CONTINUES }
}
