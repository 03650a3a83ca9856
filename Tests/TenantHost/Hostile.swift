import CXsk
import Glibc
import XSKEngine

/// A tenant that does everything that its socket, its memory and the daemon's socket let it do. Ends by itself after some
/// seconds; each line on standard output begins with `ok` or `HARM`.
struct Hostile {
  let path: String

  func run() throws(XSKError) {
    let umem = try UMEM(UMEMConfiguration(frames: 4096, pages: .sealedMemfd))
    let queue = try Attachment(path: path).queue(HandoverRequest(), over: umem)
    expect(ftruncate(umem.memoryFile, 0) == -1, "the memory can't be shrunk")
    expect(ftruncate(umem.memoryFile, 1 << 30) == -1, "the memory can't be grown")
    expect(cxsk_memfd_seal(umem.memoryFile) == -EPERM, "the seals can't be changed")
    expect(bindElsewhere(queue.socket.descriptor) != 0, "the socket can't be bound again")
    expect(socket(CXSK_AF_XDP, CInt(SOCK_RAW.rawValue), 0) < 0, "no other socket can be made")
    let memory = try SharedMemory(queue)
    TenantHost.write("ok holes \(memory.punchHole())")
    for _ in 0..<200 {
      memory.scribble()
      _ = cxsk_wake_tx(queue.socket.descriptor)
      _ = cxsk_wake_rx(queue.socket.descriptor)
    }
    TenantHost.write("ok scribbled")
    flood()
    TenantHost.write("ok flooded")
    multiply(queue.socket.descriptor)
    TenantHost.write("hostile")
    for _ in 0..<30 {
      memory.scribble()
      _ = cxsk_wake_tx(queue.socket.descriptor)
      usleep(100_000)
    }
  }

  private func expect(_ isSo: Bool, _ what: String) { TenantHost.write("\(isSo ? "ok" : "HARM") \(what)") }

  private func bindElsewhere(_ socket: CInt) -> CInt {
    var address = sockaddr_xdp()
    address.sxdp_family = UInt16(CXSK_AF_XDP)
    address.sxdp_ifindex = 1
    let length = socklen_t(MemoryLayout<sockaddr_xdp>.size)
    return unsafe withUnsafePointer(to: &address) {
      unsafe Glibc.bind(socket, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  /// Processes that hold the socket, too, for as long as they live.
  private func multiply(_ socket: CInt) {
    _ = fcntl(socket, F_SETFD, 0)
    for _ in 0..<16 {
      var child: pid_t = 0
      // Copies in C memory, valid through the call.
      let arguments = unsafe [unsafe strdup("/bin/sleep"), unsafe strdup("4"), nil]
      defer { unsafe arguments.forEach { unsafe free($0) } }
      let code = unsafe posix_spawn(&child, "/bin/sleep", nil, nil, arguments, nil)
      if code != 0 { TenantHost.write("ok no more processes: \(code)") }
    }
  }

  /// Connections without end, half of them with messages, none of which is read.
  private func flood() {
    var connections: [CInt] = []
    let messages = [
      "/xsk_socket,0", "/connect,x", "/xsk_map_fd,eth0", String(repeating: "x", count: 4000), "/nak", "{}",
    ]
    for round in 0..<1500 {
      let connection = unsafe cxsk_packet_connect(path, 20)
      guard connection >= 0 else { continue }
      for _ in 0..<(round % 4) {
        let bytes = Array(messages[round % messages.count].utf8)
        // Safe: as many bytes and descriptors as said.
        _ = unsafe cxsk_packet_send(connection, bytes, bytes.count, [0, 1, 2, 0], 4)
      }
      connections.append(connection)
      if connections.count > 200 { close(connections.removeFirst()) }
    }
    for connection in connections { close(connection) }
  }
}

/// A socket's rings and its memory, mapped to be written to without any rule.
@safe private struct SharedMemory {
  // Safe: mapped for good, and only written to within their sizes.
  private let areas: [UnsafeMutableRawBufferPointer]

  init(_ queue: AdoptedQueue) throws(XSKError) {
    var offsets = xdp_mmap_offsets()
    var length = socklen_t(MemoryLayout<xdp_mmap_offsets>.size)
    // Safe: written by the call.
    guard unsafe getsockopt(queue.socket.descriptor, CXSK_SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) == 0 else {
      throw XSKError("rings", "not told", remedy: "-")
    }
    let rings = queue.socket.configuration.rings
    let parts: [(CInt, Int, Int64)] = [
      (queue.socket.descriptor, Int(offsets.fr.desc) + Int(rings.fill) * 8, CXSK_PAGE_OFFSET_FILL),
      (queue.socket.descriptor, Int(offsets.cr.desc) + Int(rings.completion) * 8, CXSK_PAGE_OFFSET_COMPLETION),
      (queue.socket.descriptor, Int(offsets.rx.desc) + Int(rings.receive) * 16, CXSK_PAGE_OFFSET_RX),
      (queue.socket.descriptor, Int(offsets.tx.desc) + Int(rings.transmit) * 16, CXSK_PAGE_OFFSET_TX),
      (queue.umem.memoryFile, 1 << 20, 0),
    ]
    var areas: [UnsafeMutableRawBufferPointer] = unsafe []
    for (file, bytes, offset) in parts {
      let base = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, off_t(offset))
      guard let base = unsafe base, unsafe base != MAP_FAILED else {
        throw XSKError("memory", "not mapped", remedy: "-")
      }
      unsafe areas.append(UnsafeMutableRawBufferPointer(start: base, count: bytes))
    }
    unsafe self.areas = areas
  }

  /// Takes half of the pages out of the memory file under the kernel, which has pinned its own.
  func punchHole() -> CInt {
    let memory = unsafe areas[4]
    // MADV_REMOVE: a hole in the file.
    return unsafe madvise(memory.baseAddress, memory.count / 2, 9)
  }

  /// Writes noise to indices, flags, entries and frames.
  func scribble() {
    var noise = SystemRandomNumberGenerator()
    for index in unsafe areas.indices {
      let area = unsafe areas[index]
      // Inside the area: every place is less than its size, a multiple of 8.
      for place in stride(from: 0, to: min(area.count & ~7, 16 << 10), by: 8) {
        unsafe area.storeBytes(of: noise.next(), toByteOffset: place, as: UInt64.self)
      }
    }
  }
}
