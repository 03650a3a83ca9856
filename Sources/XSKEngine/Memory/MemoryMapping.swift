import CXsk
import Glibc

/// A mapping of memory, unmapped when its owner lets go of it.
@safe public final class MemoryMapping: @unchecked Sendable {
  // Safe: mapped in init, unmapped in deinit; both numbers never change. What lies in it has its own rules.
  @usableFromInline let base: UnsafeMutableRawPointer
  let length: Int
  /// A descriptor that is kept open as long as the mapping; −1: none.
  private let guardian: CInt

  private init(base: UnsafeMutableRawPointer, length: Int, guardian: CInt = -1) {
    unsafe self.base = base
    self.length = length
    self.guardian = guardian
  }

  deinit {
    unsafe munmap(base, length)
    if guardian >= 0 { close(guardian) }
  }

  /// Maps `length` bytes of a memory file that another process lends: pages that are not there stay so
  /// (`cxsk_map_lent`).
  static func lent(_ fd: CInt, length: Int) throws(XSKError) -> MemoryMapping {
    var (guardian, code): (CInt, CInt) = (-1, 0)
    guard let address = unsafe cxsk_map_lent(fd, length, &guardian, &code) else {
      throw XSKError("memory file", refused: "cannot be mapped", code: code, remedy: "lend another")
    }
    return unsafe MemoryMapping(base: address, length: length, guardian: guardian)
  }

  /// Maps `length` bytes of a file, shared, from `offset` on.
  ///
  /// - Throws: the kernel's refusal of mmap(2), about `subject`.
  static func file(
    _ fd: CInt, length: Int, offset: Int64 = 0, subject: String
  ) throws(XSKError) -> MemoryMapping {
    let address = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED | CInt(MAP_POPULATE), fd, off_t(offset))
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw XSKError(
        subject, refused: "cannot be mapped (\(length) bytes)", code: errno,
        remedy: "check the memory limits (ulimit -a)")
    }
    return unsafe MemoryMapping(base: address, length: length)
  }

  /// Maps at least `length` bytes of anonymous memory; `hugePageShift` 21 or 30 for huge pages of that size, 0 for plain ones.
  static func anonymous(length: Int, hugePageShift: UInt32) throws(XSKError) -> MemoryMapping {
    var code: CInt = 0
    var mapped = length
    guard let address = unsafe cxsk_map_anonymous(&mapped, hugePageShift, &code) else {
      throw XSKError(
        "\(length >> 20) MiB of memory", refused: "cannot be mapped", code: code,
        remedy: "free memory or use fewer frames")
    }
    return unsafe MemoryMapping(base: address, length: mapped)
  }
}
