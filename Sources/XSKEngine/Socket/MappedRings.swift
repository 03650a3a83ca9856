import CXsk
import Glibc

/// A socket's four rings as the kernel maps them (XDP_MMAP_OFFSETS, mmap(2) at the four XDP_*_PGOFF offsets).
@safe struct MappedRings: Sendable {
  // Safe: each RingMemory points into the mapping beside it, which lives as long as this value is held.
  private let mappings: [MemoryMapping]
  nonisolated(unsafe) let fill: RingMemory
  nonisolated(unsafe) let completion: RingMemory
  nonisolated(unsafe) let receive: RingMemory
  nonisolated(unsafe) let transmit: RingMemory

  init(socket: CInt, sizes: RingSizes, name: String) throws(XSKError) {
    var offsets = xdp_mmap_offsets()
    var length = socklen_t(MemoryLayout<xdp_mmap_offsets>.size)
    guard unsafe getsockopt(socket, CXSK_SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) == 0,
      length == MemoryLayout<xdp_mmap_offsets>.size
    else {
      throw XSKError(name, "the kernel does not tell where its rings lie", remedy: "use Linux 5.4 or newer")
    }
    var mappings: [MemoryMapping] = []
    func ring(_ at: xdp_ring_offset, _ page: Int64, _ entryBytes: Int, _ size: UInt32) throws(XSKError) -> RingMemory {
      let mapping = try MemoryMapping.file(
        socket, length: Int(at.desc) + Int(size) * entryBytes, offset: page, subject: "\(name): ring")
      mappings.append(mapping)
      let base = unsafe mapping.base
      return unsafe RingMemory(
        producer: (base + Int(at.producer)).assumingMemoryBound(to: UInt32.self),
        consumer: (base + Int(at.consumer)).assumingMemoryBound(to: UInt32.self),
        flags: (base + Int(at.flags)).assumingMemoryBound(to: UInt32.self),
        entries: base + Int(at.desc), size: size)
    }
    unsafe fill = try ring(offsets.fr, CXSK_PAGE_OFFSET_FILL, 8, sizes.fill)
    unsafe completion = try ring(offsets.cr, CXSK_PAGE_OFFSET_COMPLETION, 8, sizes.completion)
    unsafe receive = try ring(offsets.rx, CXSK_PAGE_OFFSET_RX, 16, sizes.receive)
    unsafe transmit = try ring(offsets.tx, CXSK_PAGE_OFFSET_TX, 16, sizes.transmit)
    self.mappings = mappings
  }
}
