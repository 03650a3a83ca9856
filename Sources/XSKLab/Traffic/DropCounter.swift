import CXsk
import Glibc
import XSKEngine

/// An XDP program on a device that counts every packet and drops it in the kernel.
///
/// The far end of a measurement; also the rate of kernel XDP to compare with. It makes the device run NAPI, so that
/// frames can be redirected into its peer. Attached until released or the process ends.
public final class DropCounter: Sendable {
  private let object: BPFObject
  private let map: CInt
  private let link: CInt

  /// - Parameter generic: attach to the stack instead of the driver; NAPI is then not turned on.
  /// - Throws: `XSKError` if the device has a program already or refuses one.
  public init(in namespace: NetworkNamespace, device: String, generic: Bool = false) throws(XSKError) {
    object = try BPFObject(.count_and_drop)
    map = try object.map("count_map")
    let program = try object.program("count_and_drop")
    link = try namespace.onThread { () throws(XSKError) in
      let index = try Netlink().link(device).index
      let link = cxsk_lab_attach_xdp(program, index, generic ? CXSK_XDP_FLAGS_SKB : CXSK_XDP_FLAGS_DRV)
      guard link >= 0 else {
        throw XSKError(
          device, refused: "takes no XDP program", code: link,
          remedy: "detach the one it has, or give it as many RX queues as its peer has TX queues")
      }
      return link
    }
  }

  deinit { close(link) }

  /// Packets counted since it was attached.
  public var count: UInt64 { BPFObject.sum(map, valueBytes: 8) }
}
