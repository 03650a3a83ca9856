import CXsk
import Glibc
import XSKEngine

/// Tags every frame that a device's stack sends, like a VLAN device on top of it, which not every kernel has.
///
/// With VLAN offload on (`VethEnd.keepsOffloads`) the tag travels beside the frame, and a veth's other end finds it there:
/// what a NIC that strips tags does. Attached until released or the process ends (a tcx link, Linux 6.6).
public final class VLANTagger: Sendable {
  private let object: BPFObject
  private let link: CInt

  /// - Parameter tag: TPID in the upper 16 bits, TCI in the lower.
  /// - Throws: `XSKError` if there is no such device or the kernel refuses the program.
  public init(in namespace: NetworkNamespace, device: String, tag: UInt32) throws(XSKError) {
    object = try BPFObject(.push_vlan)
    var value = tag
    // The kernel copies the value during the call.
    let code = unsafe cxsk_lab_map_set(try object.map("tag_map"), 0, &value)
    let program = try object.program("push_vlan")
    link = try namespace.onThread { () throws(XSKError) in
      let index = try Netlink().link(device).index
      let link = code == 0 ? cxsk_lab_attach_egress(program, index) : code
      guard link >= 0 else {
        throw XSKError(device, refused: "takes no tcx program", code: link, remedy: "use kernel 6.6 or later, as root")
      }
      return link
    }
  }

  deinit { close(link) }
}
