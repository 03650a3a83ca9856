import CXsk
import Glibc
import XSKEngine

/// A loaded BPF object of the lab; the kernel frees its programs and maps when it is released.
@safe final class BPFObject: @unchecked Sendable {
  // Not changed after loading, and freed once, by deinit; what is used meanwhile are kernel descriptors.
  private let object: OpaquePointer

  init(_ image: BPFImage) throws(XSKError) {
    let bytes = image.bytes
    var code: CInt = 0
    // libbpf copies what it keeps of the image during the call.
    guard let object = unsafe cxsk_lab_object_load(bytes, bytes.count, &code) else {
      throw XSKError(
        "BPF program \(image.name)", refused: "can't be loaded", code: code,
        remedy: "run as root (CAP_BPF, CAP_NET_ADMIN)")
    }
    unsafe self.object = object
  }

  deinit { unsafe cxsk_lab_object_close(object) }

  /// Descriptors belong to the object: valid as long as it is.
  func program(_ name: String) throws(XSKError) -> CInt {
    try found(name, unsafe cxsk_lab_program_fd(object, name))
  }

  func map(_ name: String) throws(XSKError) -> CInt {
    try found(name, unsafe cxsk_lab_map_fd(object, name))
  }

  /// The sum of a per-CPU counter: 64 bits of the only element of a map, `offset` bytes into it.
  static func sum(_ map: CInt, valueBytes: UInt32, offset: UInt32 = 0) -> UInt64 {
    var sum: UInt64 = 0
    // Written during the call only. It can't fail on a per-CPU array's element 0 but for want of memory.
    let code = unsafe cxsk_lab_map_sum(map, 0, valueBytes, offset, &sum)
    return code == 0 ? sum : 0
  }

  private func found(_ name: String, _ fd: CInt) throws(XSKError) -> CInt {
    guard fd >= 0 else { throw XSKError(name, "not in the BPF object", remedy: "build again from clean", code: ENOENT) }
    return fd
  }
}
