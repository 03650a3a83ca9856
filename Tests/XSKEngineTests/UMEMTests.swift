import CXsk
import Glibc
import Testing

@testable import XSKEngine

@Suite struct UMEMTests {
  @Test(
    arguments: [
      (UMEMConfiguration(), nil),
      (UMEMConfiguration(frames: 64, chunkSize: 4096, headroom: 3392), nil),
      (UMEMConfiguration(frames: 4_194_304, headroom: 1344), nil),
      (UMEMConfiguration(chunkSize: 1024), "chunk size 1024: not supported by the kernel; use 2048 or 4096"),
      (UMEMConfiguration(chunkSize: 3000), "chunk size 3000: not supported by the kernel; use 2048 or 4096"),
      (UMEMConfiguration(chunkSize: 8192), "chunk size 8192: not supported by the kernel; use 2048 or 4096"),
      (UMEMConfiguration(frames: 0), "UMEM of 0 frames: out of range; use 64 to 4194304"),
      (UMEMConfiguration(frames: 63), "UMEM of 63 frames: out of range; use 64 to 4194304"),
      (UMEMConfiguration(frames: -1), "UMEM of -1 frames: out of range; use 64 to 4194304"),
      (UMEMConfiguration(frames: 4_194_305), "UMEM of 4194305 frames: out of range; use 64 to 4194304"),
      (UMEMConfiguration(headroom: -1), "headroom of -1 bytes: out of range; use 0 to 1344"),
      (UMEMConfiguration(headroom: 1345), "headroom of 1345 bytes: out of range; use 0 to 1344"),
      (UMEMConfiguration(chunkSize: 4096, headroom: 3393), "headroom of 3393 bytes: out of range; use 0 to 3392"),
    ] as [(UMEMConfiguration, String?)])
  func `a configuration out of range is refused in words`(configuration: UMEMConfiguration, words: String?) {
    #expect(problem(configuration.validate) == words)
    if words != nil { #expect(problem { _ = try UMEM(configuration) } == words) }
  }

  @Test(
    arguments: [
      (UMEMConfiguration(chunkSize: 1 << 20), nil), (UMEMConfiguration(frames: 64, chunkSize: 65_536), nil),
      (UMEMConfiguration(chunkSize: 1024), "chunk size 1024: out of range; use a power of two from 2048 to 1048576"),
      (UMEMConfiguration(chunkSize: 65_537), "chunk size 65537: out of range; use a power of two from 2048 to 1048576"),
      (
        UMEMConfiguration(chunkSize: 1 << 21),
        "chunk size 2097152: out of range; use a power of two from 2048 to 1048576"
      ),
      (UMEMConfiguration(frames: 1, chunkSize: 65_536), "UMEM of 1 frames: out of range; use 64 to 4194304"),
      (UMEMConfiguration(pages: .huge2M), "simulated UMEM of 2M pages: not supported; use plain pages"),
    ] as [(UMEMConfiguration, String?)])
  func `simulated memory takes chunks that no kernel would`(configuration: UMEMConfiguration, words: String?) throws {
    #expect(problem { _ = try UMEM(simulated: configuration) } == words)
  }

  @Test func `a large frame of simulated memory takes as much as is touched of it`() throws {
    // 1 GiB of addresses; one byte of each frame is written.
    let umem = try UMEM(simulated: UMEMConfiguration(frames: 1024, chunkSize: 1 << 20))
    let pages = umem.mapping.length / 4096
    for frame in 0..<1024 {
      unsafe umem.layout.pointer(to: umem.layout.address(ofFrame: frame)).storeBytes(of: 1, as: UInt8.self)
    }
    var resident = [UInt8](repeating: 0, count: pages)
    // Safe: the mapping's own range, and a byte for each of its pages.
    #expect(unsafe mincore(umem.mapping.base, umem.mapping.length, &resident) == 0)
    #expect(resident.count { $0 & 1 != 0 } == 1024)
  }

  // MARK: Pages

  @Test func `huge pages that are not there become plain ones with one clear line`() throws {
    let needs = [
      (UMEMConfiguration.Pages.huge2M, "2, for one: sysctl vm.nr_hugepages=2"),
      (.huge1G, "1, for one: echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"),
    ]
    for (wanted, need) in needs {
      // 4 MiB: two huge pages of 2 MiB, or one of 1 GiB. What is free depends on the machine; what is said must fit what was taken.
      let umem = try UMEM(UMEMConfiguration(frames: 2048, pages: wanted))
      let taken = umem.pages == .plain ? "plain pages" : "2M huge pages"
      let line =
        "UMEM of 4 MiB: too few free \(wanted.rawValue) huge pages, using \(taken); each worker needs "
        + need
      #expect(umem.note == (umem.pages == wanted ? nil : line))
      #expect(umem.pages != .sealedMemfd && umem.memoryFile == -1)
      #expect(umem.mapping.length >= 4 << 20 && umem.layout.frameCount == 2048)
    }
    let plain = try UMEM(UMEMConfiguration(frames: 2048, pages: .plain))
    #expect(plain.pages == .plain && plain.note == nil)
  }

  @Test func `a memory file's contents are shared with whoever adopts it`() throws {
    let configuration = UMEMConfiguration(frames: 64, pages: .sealedMemfd)
    let mine = try UMEM(configuration)
    let theirs = try UMEM(adopting: mine.memoryFile, configuration)
    #expect(theirs.memoryFile != mine.memoryFile && theirs.pages == .sealedMemfd)
    for frame in 0..<64 {
      let address = mine.layout.address(ofFrame: frame)
      unsafe mine.layout.pointer(to: address).storeBytes(of: UInt64(frame) + 1, as: UInt64.self)
      #expect(unsafe theirs.layout.pointer(to: address).load(as: UInt64.self) == UInt64(frame) + 1)
      unsafe theirs.layout.pointer(to: address + 2040).storeBytes(of: ~UInt64(frame), as: UInt64.self)
      #expect(unsafe mine.layout.pointer(to: address + 2040).load(as: UInt64.self) == ~UInt64(frame))
    }
  }

  @Test func `a memory file outlives the UMEM that it was adopted from`() throws {
    let configuration = UMEMConfiguration(frames: 64, pages: .sealedMemfd)
    var mine: UMEM? = try UMEM(configuration)
    let theirs = try UMEM(adopting: try #require(mine).memoryFile, configuration)
    mine = nil
    var status = stat()
    #expect(unsafe fstat(theirs.memoryFile, &status) == 0 && status.st_size == 64 * 2048)
    unsafe theirs.layout.pointer(to: 0).storeBytes(of: 1, as: UInt64.self)
  }

  @Test func `a memory file can be neither shrunk, grown, nor unsealed`() throws {
    let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .sealedMemfd))
    for size in [0, 64 * 2048 - 4096, 64 * 2048 + 4096] {
      #expect(ftruncate(umem.memoryFile, off_t(size)) == -1 && errno == EPERM)
    }
    var status = stat()
    #expect(unsafe fstat(umem.memoryFile, &status) == 0 && status.st_size == 64 * 2048)
    #expect(cxsk_memfd_seal(umem.memoryFile) == -EPERM, "the seals are sealed too")
  }

  @Test func `adoption refuses files that are too small, not sealed, or no files`() throws {
    let configuration = UMEMConfiguration(frames: 65, pages: .sealedMemfd)
    let small = try UMEM(UMEMConfiguration(frames: 64, pages: .sealedMemfd))
    let file = small.memoryFile
    #expect(
      problem { _ = try UMEM(adopting: file, configuration) }
        == "UMEM file descriptor \(file): smaller than 133120 bytes; ask its maker for the right geometry")
    let loose = unsafe cxsk_memfd_create("loose")
    defer { close(loose) }
    try #require(ftruncate(loose, 65 * 2048) == 0)
    #expect(
      problem { _ = try UMEM(adopting: loose, configuration) }
        == "UMEM file descriptor \(loose): not sealed against shrinking; its maker must set F_SEAL_SHRINK before handing "
        + "it over")
    #expect(
      problem { _ = try UMEM(adopting: -1, configuration) }
        == "UMEM file descriptor -1: not sealed against shrinking; its maker must set F_SEAL_SHRINK before handing it over"
    )
    #expect(
      problem { _ = try UMEM(adopting: file, UMEMConfiguration(frames: 1)) }
        == "UMEM of 1 frames: out of range; use 64 to 4194304")
  }

  // MARK: Addresses

  static func layout(chunkSize: Int = 2048, unaligned: Bool = false) throws -> UMEM {
    try UMEM(UMEMConfiguration(frames: 64, chunkSize: chunkSize, unaligned: unaligned))
  }

  @Test(
    arguments: [
      (0, 0), (2048, 2048), (0x0100_0000_0000_0800, 0x900), (0xffff_0000_0000_0000, 0xffff),
      (0x0001_ffff_ffff_ffff, 0x1_0000_0000_0000),
    ] as [(UInt64, UInt64)])
  func `an unaligned address is the sum of its two offsets`(address: UInt64, plain: UInt64) throws {
    #expect(try Self.layout(unaligned: true).layout.plain(address) == plain)
  }

  /// UMEM of 64 × 2048 = 131,072 bytes.
  @Test(
    arguments: [
      (0, 0, true), (0, 2048, true), (0, 2049, false), (1, 2047, true), (1, 2048, false), (2047, 1, true),
      (2047, 2, false), (2048, 2048, true), (131_071, 1, true), (131_071, 2, false), (131_072, 0, false),
      (131_072, 1, false), (.max, 0, false), (.max, 1, false), (.max - 1, 2, false), (1 << 63, 64, false),
      (0, .max, false),
      (2047, .max, false),
    ] as [(UInt64, UInt32, Bool)])
  func `only bytes inside one frame of the UMEM are contained`(address: UInt64, length: UInt32, inside: Bool) throws {
    #expect(try Self.layout().layout.contains(address, length: length) == inside)
  }

  @Test(arguments: [2048, 4096]) func `every byte of a frame belongs to that frame`(chunkSize: Int) throws {
    let layout = try Self.layout(chunkSize: chunkSize).layout
    #expect(layout.chunkSize == chunkSize && layout.size == UInt64(64 * chunkSize))
    for frame in [0, 1, 31, 63] {
      let start = layout.address(ofFrame: frame)
      for offset in [0, 1, chunkSize / 2, chunkSize - 1] as [Int] {
        #expect(layout.frame(of: start + UInt64(offset)) == start)
        #expect(layout.index(of: start + UInt64(offset)) == frame)
      }
    }
  }
}
