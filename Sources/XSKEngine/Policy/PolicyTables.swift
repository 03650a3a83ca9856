import CXsk
import Glibc

/// The tables that the XDP programs of all ports of an engine share, as `CXsk/bpf/xsk_policy_maps.h` names them.
///
/// They and the counters in them live as long as this object, whatever becomes of the programs.
@safe final class PolicyTables: @unchecked Sendable {
  enum Name: String, CaseIterable, Sendable {
    case own4, own6, extras, flows4, flows6, sources4, sources6, verdictState = "verdict_state", egress, counts
  }

  // Safe: opened in init, closed in deinit, not changed meanwhile; what is used are kernel descriptors.
  private let object: OpaquePointer
  /// Descriptors that the object owns; tables that nobody needs are not there.
  private let descriptors: [Name: CInt]
  private let fence: CInt

  /// - Parameter sizes: entries of each table that is needed.
  init(_ sizes: [Name: Int]) throws(XSKError) {
    var code: CInt = 0
    let bytes = BPFImage.xsk_tables.bytes
    // libbpf copies what it keeps of the image during the call.
    let opened = unsafe bytes.withUnsafeBytes { unsafe cxsk_program_open($0.baseAddress!, $0.count, nil, &code) }
    guard let opened = unsafe opened else { throw Self.refusal("can't be opened", code) }
    for name in Name.allCases {
      if let size = sizes[name] {
        _ = unsafe cxsk_program_resize_map(opened, name.rawValue, UInt32(max(1, size)))
      } else {
        _ = unsafe cxsk_program_share_map(opened, name.rawValue, -1)
      }
    }
    code = unsafe cxsk_program_load(opened)
    fence = code == 0 ? cxsk_fence_open() : -1
    guard code == 0, fence >= 0 else {
      unsafe cxsk_program_close(opened)
      throw Self.refusal("can't be made", code == 0 ? fence : code)
    }
    var found: [Name: CInt] = [:]
    for name in sizes.keys { found[name] = unsafe cxsk_program_map(opened, name.rawValue) }
    descriptors = found
    unsafe object = opened
  }

  deinit {
    close(fence)
    unsafe cxsk_program_close(object)
  }

  private static func refusal(_ what: String, _ code: CInt) -> XSKError {
    XSKError(
      "tables of the XDP program", refused: what, code: code,
      remedy: code == -EPERM || code == -EACCES
        ? "run as root, or grant CAP_NET_ADMIN and CAP_BPF" : "allow fewer verdicts, or see: xskfwd doctor")
  }

  /// −1 if it is not there.
  func descriptor(_ name: Name) -> CInt { descriptors[name] ?? -1 }

  /// Waits until no program uses any more what it found in a table before.
  ///
  /// - Returns: 0, or a negative errno.
  func waitForPrograms() -> CInt { cxsk_fence_wait(fence) }

  /// - Returns: 0, or a negative errno.
  func set<Key: BitwiseCopyable, Value: BitwiseCopyable>(_ name: Name, _ key: Key, _ value: Value) -> CInt {
    // Both are laid out as the table's, and outlive the call.
    unsafe withUnsafePointer(to: key) { key in
      unsafe withUnsafePointer(to: value) { value in unsafe cxsk_table_set(descriptor(name), key, value, CXSK_TABLE_PUT)
      }
    }
  }

  /// - Returns: 0, or a negative errno.
  @discardableResult func remove<Key: BitwiseCopyable>(_ name: Name, _ key: Key) -> CInt {
    // Laid out as the table's, and outlives the call.
    unsafe withUnsafePointer(to: key) { unsafe cxsk_table_remove(descriptor(name), $0) }
  }

  /// A counter's sum over all CPUs.
  func count(_ place: Int) -> KernelCounters.Count {
    var count = KernelCounters.Count()
    // It can fail only for want of memory, or for a place that isn't there; then there is nothing to tell.
    _ = unsafe cxsk_table_sum(descriptor(.counts), UInt32(place), &count.packets, &count.bytes)
    return count
  }
}
