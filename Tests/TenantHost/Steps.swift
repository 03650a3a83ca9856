import CXsk
import Glibc
import XSKEngine

/// A tenant's process that does one thing after the other with a socket that it is handed, in whatever order, and writes what came
/// of each on a line of its own: `NAME` or `NAME=VALUE`.
///
/// | step | |
/// |---|---|
/// | `ask`, `ask=QUEUE` | asks for a socket, by a new connection if there is none; it is then the current one. Others are kept |
/// | `again` | the same, until it is granted |
/// | `map`, `scribble` | maps the current one's rings; writes noise all over them |
/// | `say=MESSAGE`, `shout=MESSAGE` | says something, and waits for the answer, or does not |
/// | `bind=DEVICE,QUEUE`, `share` | binds it; or to queue 0, with the memory of the one before |
/// | `resize`, `register`, `release` | another RX ring, another memory, any device |
/// | `hangup`, `drop` | closes the connection; the current socket |
/// | `end` | waits until the connection is closed by the other side |
/// | `await=FILE` | waits until there is such a file |
/// | `hold` | waits to be killed |
@safe final class Steps {
  private let path: String
  private let umem: UMEM
  private var connection: CInt = -1
  private var sockets: [CInt] = []
  // Safe: pages that stay mapped as long as the process lives.
  private var areas: [UnsafeMutableRawPointer] = unsafe []

  init(path: String) throws(XSKError) {
    self.path = path
    umem = try UMEM(UMEMConfiguration(frames: 4096, pages: .sealedMemfd))
  }

  func run(_ steps: [String]) throws(XSKError) {
    for step in steps {
      let parts = step.split(separator: "=", maxSplits: 1).map(String.init)
      TenantHost.write(try take(parts[0], parts.count > 1 ? parts[1] : ""))
    }
  }

  private func take(_ name: String, _ value: String) throws(XSKError) -> String {
    switch name {
    case "ask": return ask(value)
    case "again":
      for _ in 0..<400 {
        let answer = ask(value)
        if answer.hasPrefix("/xsk_socket_ack") { return answer }
        hangUp()
        usleep(50_000)
      }
      return "never"
    case "map": return map()
    case "scribble":
      for index in unsafe areas.indices {
        // Each is a page, at an address that is a multiple of 8.
        for place in stride(from: 0, to: 4096, by: 8) {
          unsafe areas[index].storeBytes(of: UInt64.random(in: 0 ... .max), toByteOffset: place, as: UInt64.self)
        }
      }
      return "scribbled"
    case "say":
      send(value)
      return TenantHost.answer(connection) ?? "(closed)"
    case "shout":
      send(value)
      return "said"
    case "bind":
      let words = value.split(separator: ",")
      return bind(device: String(words[0]), queue: UInt32(words[1]) ?? 0)
    case "share": return bind(device: "eth0", queue: 0, sharing: sockets[sockets.count - 2])
    case "resize": return option(CXSK_SOL_XDP, XDP_RX_RING, 128)
    case "register": return register()
    case "release": return option(SOL_SOCKET, SO_BINDTOIFINDEX, 0)
    case "hangup":
      hangUp()
      return "hung up"
    case "drop":
      close(sockets.removeLast())
      return "dropped"
    case "end":
      var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
      // Safe: one entry.
      guard unsafe poll(&entry, 1, 60_000) == 1 else { return "(open)" }
      return TenantHost.answer(connection) ?? "(closed)"
    case "await":
      for _ in 0..<12_000 where unsafe access(value, F_OK) != 0 { usleep(5_000) }
      // Safe: a C string for the call.
      return unsafe access(value, F_OK) == 0 ? "there" : "never"
    case "hold":
      TenantHost.write("held")
      sleep(60)
      return "not killed"
    default: throw XSKError(name, "no step", remedy: "see the source")
    }
  }

  private func ask(_ queue: String) -> String {
    guard connect() else { return "nobody" }
    let bytes = Array("/xsk_socket\(queue.isEmpty ? "" : ",\(queue)")".utf8)
    // Safe: as many bytes and descriptors as said.
    _ = unsafe cxsk_packet_send(connection, bytes, bytes.count, [umem.memoryFile], 1)
    var buffer = [UInt8](repeating: 0, count: 128)
    var descriptors: [CInt] = [-1]
    var (count, whole): (CInt, CInt) = (0, 1)
    // Safe: at most the sizes given are written.
    let length = unsafe cxsk_packet_receive(connection, &buffer, buffer.count, &descriptors, 1, &count, &whole)
    if count > 0 { sockets.append(descriptors[0]) }
    return length > 0 ? String(decoding: buffer.prefix(length), as: UTF8.self) : "(closed)"
  }

  private func connect() -> Bool {
    if connection < 0 { connection = unsafe cxsk_packet_connect(path, 10_000) }
    return connection >= 0
  }

  private func hangUp() {
    close(connection)
    connection = -1
  }

  private func send(_ message: String) {
    guard connect() else { return }
    let bytes = Array(message.utf8)
    // Safe: as many bytes as said.
    _ = unsafe cxsk_packet_send(connection, bytes, bytes.count, nil, 0)
  }

  private var current: CInt { sockets.last ?? -1 }

  private func outcome(_ result: CInt, _ done: String) -> String { result == 0 ? done : errorName(errno) }

  private func map() -> String {
    for offset in [
      CXSK_PAGE_OFFSET_FILL, CXSK_PAGE_OFFSET_COMPLETION, CXSK_PAGE_OFFSET_RX, CXSK_PAGE_OFFSET_TX,
    ] {
      let area = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, current, off_t(offset))
      guard let area = unsafe area, unsafe area != MAP_FAILED else { return errorName(errno) }
      unsafe areas.append(area)
    }
    return "mapped"
  }

  private func bind(device: String, queue: UInt32, sharing other: CInt? = nil) -> String {
    var address = sockaddr_xdp()
    address.sxdp_family = UInt16(CXSK_AF_XDP)
    // Safe: a C string for the call.
    address.sxdp_ifindex = unsafe if_nametoindex(device)
    address.sxdp_queue_id = queue
    address.sxdp_flags = other == nil ? CXSK_BIND_NEED_WAKEUP : CXSK_BIND_SHARED_UMEM
    address.sxdp_shared_umem_fd = UInt32(bitPattern: other ?? 0)
    let length = socklen_t(MemoryLayout<sockaddr_xdp>.size)
    // The kernel lets go of a queue a moment after the socket that had it was closed.
    for _ in 0..<50 {
      let result = unsafe withUnsafePointer(to: &address) {
        unsafe Glibc.bind(current, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
      }
      guard result != 0 && errno == EBUSY else { return outcome(result, "bound") }
      usleep(20_000)
    }
    return errorName(EBUSY)
  }

  private func option(_ level: CInt, _ name: CInt, _ value: CInt) -> String {
    var value = value
    // Safe: as many bytes as said.
    return outcome(unsafe setsockopt(current, level, name, &value, socklen_t(MemoryLayout<CInt>.size)), "set")
  }

  private func register() -> String {
    let area = unsafe mmap(nil, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | CInt(MAP_ANONYMOUS), -1, 0)
    var registration = xdp_umem_reg()
    registration.addr = UInt64(UInt(bitPattern: area))
    registration.len = 1 << 20
    registration.chunk_size = 2048
    let size = socklen_t(MemoryLayout<xdp_umem_reg>.size)
    // Safe: as many bytes as said.
    return outcome(unsafe setsockopt(current, CXSK_SOL_XDP, XDP_UMEM_REG, &registration, size), "set")
  }
}
