import CXsk
import Glibc

/// The memory that packets are received into and transmitted from, shared with the kernel.
///
/// One UMEM serves all queues of a worker, so that forwarding from one device to another copies nothing. Registering it
/// with a socket is the socket's business (`XSKSocket`).
public final class UMEM: Sendable {
  public let configuration: UMEMConfiguration
  /// Translates addresses; valid as long as this object lives.
  public let layout: UMEMLayout
  /// What the pages turned out to be.
  public let pages: UMEMConfiguration.Pages
  /// One line if the pages are not what was asked for, for the operator to read.
  public let note: String?
  /// The sealed memory file, when that is what the pages are; otherwise −1. Closed with the UMEM.
  public let memoryFile: CInt

  let mapping: MemoryMapping

  /// Maps the memory; its pages are touched by the kernel when it is registered, on the calling thread's node.
  ///
  /// - Throws: a configuration out of range, or memory that even plain pages can't supply.
  public init(_ configuration: UMEMConfiguration) throws(XSKError) {
    try configuration.validate()
    self.configuration = configuration
    let bytes = configuration.frames * configuration.chunkSize
    if configuration.pages == .sealedMemfd {
      (mapping, memoryFile) = try Self.sealedFile(bytes: bytes)
      pages = .sealedMemfd
      note = nil
    } else {
      (mapping, pages, note) = try Self.anonymous(bytes: bytes, wanted: configuration.pages)
      memoryFile = -1
    }
    if let node = configuration.numaNode {
      _ = unsafe cxsk_numa_prefer(mapping.base, mapping.length, CInt(node))  // A preference: refusal costs speed only.
    }
    unsafe layout = UMEMLayout(base: mapping.base, configuration)
  }

  /// Maps memory for simulated devices only, which takes chunks of any size: a whole packet, however large, in one frame.
  ///
  /// Its pages are plain and small, so that of a large frame only what a packet touches takes memory.
  ///
  /// - Throws: a configuration out of range, pages other than plain ones, or too little memory.
  public init(simulated configuration: UMEMConfiguration) throws(XSKError) {
    try configuration.validateSimulated()
    self.configuration = configuration
    mapping = try MemoryMapping.anonymous(
      length: configuration.frames * configuration.chunkSize, hugePageShift: 0)
    // Safe: the mapping's own range. Advice: refused, it costs memory only.
    unsafe madvise(mapping.base, mapping.length, MADV_NOHUGEPAGE)
    memoryFile = -1
    pages = .plain
    note = nil
    unsafe layout = UMEMLayout(base: mapping.base, configuration)
  }

  /// Maps a UMEM that another process made, from its memory file.
  ///
  /// - Throws: if the file is smaller than the configuration says, or not sealed against shrinking.
  public init(adopting file: CInt, _ configuration: UMEMConfiguration) throws(XSKError) {
    try configuration.validate()
    let bytes = configuration.frames * configuration.chunkSize
    // The seal first: without it the size is its maker's to change after it was looked at.
    guard cxsk_memfd_is_sealed(file) else {
      throw XSKError(
        "UMEM file descriptor \(file)", "not sealed against shrinking",
        remedy: "its maker must set F_SEAL_SHRINK before handing it over")
    }
    var status = stat()
    guard unsafe fstat(file, &status) == 0, status.st_size >= bytes else {
      throw XSKError(
        "UMEM file descriptor \(file)", "smaller than \(bytes) bytes", remedy: "ask its maker for the right geometry")
    }
    self.configuration = configuration
    mapping = try MemoryMapping.file(file, length: bytes, subject: "UMEM file descriptor \(file)")
    memoryFile = fcntl(file, F_DUPFD_CLOEXEC, 0)
    pages = .sealedMemfd
    note = nil
    unsafe layout = UMEMLayout(base: mapping.base, configuration)
  }

  /// Maps memory that another process lends, to register it for that process. None of its bytes are to be touched here: a page
  /// that its owner took away is a SIGBUS, not a new page.
  ///
  /// - Throws: a configuration out of range, or a file that can't be mapped. Whether the file is fit, its owner's
  ///   opposite has seen to.
  package init(lent file: CInt, _ configuration: UMEMConfiguration) throws(XSKError) {
    try configuration.validate()
    self.configuration = configuration
    mapping = try MemoryMapping.lent(file, length: configuration.frames * configuration.chunkSize)
    memoryFile = -1
    pages = .sealedMemfd
    note = nil
    unsafe layout = UMEMLayout(base: mapping.base, configuration)
  }

  deinit {
    if memoryFile >= 0 { close(memoryFile) }
  }

  private static func sealedFile(bytes: Int) throws(XSKError) -> (MemoryMapping, CInt) {
    let file = unsafe cxsk_memfd_create("xsk-umem")
    guard file >= 0 else {
      throw XSKError("UMEM", refused: "memfd_create", code: file, remedy: "free file descriptors (ulimit -n)")
    }
    do throws(XSKError) {
      guard ftruncate(file, off_t(bytes)) == 0, cxsk_memfd_seal(file) == 0 else {
        throw XSKError("UMEM", refused: "memory file of \(bytes) bytes", code: errno, remedy: "free memory")
      }
      return (try MemoryMapping.file(file, length: bytes, subject: "UMEM"), file)
    } catch {
      close(file)
      throw error
    }
  }

  /// Tries page sizes from the wanted one down; plain pages are always an answer while there is memory.
  private static func anonymous(
    bytes: Int, wanted: UMEMConfiguration.Pages
  ) throws(XSKError) -> (MemoryMapping, UMEMConfiguration.Pages, String?) {
    let choices: [(UMEMConfiguration.Pages, UInt32)] =
      switch wanted {
      case .huge1G: [(.huge1G, 30), (.huge2M, 21)]
      case .huge2M: [(.huge2M, 21)]
      case .plain, .sealedMemfd: []
      }
    for (pages, shift) in choices {
      guard let mapping = try? MemoryMapping.anonymous(length: bytes, hugePageShift: shift) else { continue }
      return (mapping, pages, pages == wanted ? nil : fallbackNote(bytes, wanted, pages))
    }
    let mapping = try MemoryMapping.anonymous(length: bytes, hugePageShift: 0)
    return (mapping, .plain, wanted == .plain ? nil : fallbackNote(bytes, wanted, .plain))
  }

  private static func fallbackNote(
    _ bytes: Int, _ wanted: UMEMConfiguration.Pages, _ got: UMEMConfiguration.Pages
  ) -> String {
    let shift = wanted == .huge1G ? 30 : 21
    let needed = (bytes + (1 << shift) - 1) >> shift
    // The sysctl sets the default size's count: 2 MiB, unless the machine was booted otherwise.
    let reserve =
      wanted == .huge1G
      ? "echo \(needed) > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
      : "sysctl vm.nr_hugepages=\(needed)"
    return "UMEM of \(bytes >> 20) MiB: too few free \(wanted.rawValue) huge pages, using "
      + (got == .plain ? "plain pages" : "\(got.rawValue) huge pages")
      + "; each worker needs \(needed), for one: \(reserve)"
  }
}
