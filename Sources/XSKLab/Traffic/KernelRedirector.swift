import CXsk
import Glibc
import XSKEngine

/// An XDP program on a device that redirects every packet to another, in the kernel: the forwarding to compare with. Attached
/// until released or the process ends.
///
/// A veth takes redirected packets only while its peer runs NAPI (an XDP program, or GRO).
public final class KernelRedirector: Sendable {
  private let object: BPFObject
  private let link: CInt

  /// - Throws: `XSKError` if the device has a program already or refuses one.
  public init(in namespace: NetworkNamespace, from device: String, to egress: String) throws(XSKError) {
    object = try BPFObject(.redirect_all)
    let program = try object.program("redirect_all")
    let map = try object.map("egress_map")
    link = try namespace.onThread { () throws(XSKError) in
      let netlink = try Netlink()
      var target = UInt32(try netlink.link(egress).index)
      // A device map finds its devices in the namespace of who sets them; the kernel copies the number.
      let code = unsafe cxsk_lab_map_set(map, 0, &target)
      let link = code == 0 ? cxsk_lab_attach_xdp(program, try netlink.link(device).index, CXSK_XDP_FLAGS_DRV) : code
      guard link >= 0 else {
        throw XSKError(
          "\(device) to \(egress)", refused: "can't be redirected", code: link,
          remedy: "detach the program that the device has, and run as root")
      }
      return link
    }
  }

  deinit { close(link) }
}
