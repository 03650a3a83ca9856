import CXsk
import Glibc
import XSKEngine

/// The memory of one table: zeroes at first, on transparent huge pages where the kernel has them, so that a lookup costs a
/// cache miss and not a walk of the page tables as well. Unmapped when its owner lets go.
@safe @usableFromInline final class TableMemory: @unchecked Sendable {
  // Safe: mapped in init, unmapped in deinit, and neither number changes. Tables write to it while they are made, alone.
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// - Throws: if there is not so much memory. `subject` is what it is for.
  init(byteCount: Int, subject: String) throws(XSKError) {
    var mapped = byteCount
    var code: CInt = 0
    // Maps anew, and says how much in `mapped`.
    guard let base = unsafe cxsk_map_anonymous(&mapped, 0, &code) else {
      throw XSKError(
        subject, refused: "\(byteCount >> 20) MiB of memory cannot be mapped", code: code,
        remedy: "free memory or use a smaller table")
    }
    unsafe self.base = base
    self.byteCount = mapped
  }

  /// The refusal of a table that would take more memory than it may.
  static func excess(_ subject: String, _ bytes: Int, _ maximum: Int) -> XSKError {
    XSKError(
      subject, "needs \((bytes + 0xF_FFFF) >> 20) MiB, more than the \(max(0, maximum) >> 20) MiB allowed",
      remedy: "allow more memory or use fewer prefixes")
  }

  deinit { unsafe munmap(base, byteCount) }

  /// The memory as numbers.
  func pointer<Number: FixedWidthInteger & BitwiseCopyable>(to type: Number.Type) -> UnsafeMutablePointer<Number> {
    // Zero bytes are numbers, and the mapping is aligned to pages.
    unsafe base.bindMemory(to: type, capacity: byteCount / MemoryLayout<Number>.stride)
  }
}
