import CXsk
import Glibc
import Synchronization

/// An AF_XDP socket: its four rings, mapped, and the options that the engine sets.
///
/// The order that the kernel wants is: open, map, fill the fill ring, bind, put it into the XSKMAP. On the way out the
/// program is detached first, then the socket closed; its frames return to their owner with it.
public final class XSKSocket: Sendable {
  /// The socket's file descriptor, owned by this object.
  public let descriptor: CInt
  /// `DEVICE queue N`, as errors and counters call it.
  public var name: String { label.withLock { $0 } }
  private let label: Mutex<String>
  public let configuration: SocketConfiguration
  let rings: MappedRings

  /// Makes a socket with its rings. It receives nothing until it is bound.
  ///
  /// - Parameters:
  ///   - name: `DEVICE queue N`, for errors.
  ///   - umem: registered with this socket; nil if it is going to share another socket's UMEM.
  /// - Throws: a missing capability, memory limits, or a ring size that the kernel refuses.
  public init(name: String, umem: UMEM?, _ configuration: SocketConfiguration) throws(XSKError) {
    try configuration.rings.validate()
    let fd = socket(CXSK_AF_XDP, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { throw Self.creationError(errno) }
    do throws(XSKError) {
      if let umem { try Self.register(umem, with: fd, name: name) }
      let sizes = configuration.rings
      try setOption(fd, XDP_UMEM_FILL_RING, sizes.fill, "fill ring of \(sizes.fill) entries", name)
      try setOption(
        fd, XDP_UMEM_COMPLETION_RING, sizes.completion, "completion ring of \(sizes.completion) entries", name)
      try setOption(fd, XDP_RX_RING, sizes.receive, "RX ring of \(sizes.receive) entries", name)
      try setOption(fd, XDP_TX_RING, sizes.transmit, "TX ring of \(sizes.transmit) entries", name)
      rings = try MappedRings(socket: fd, sizes: sizes, name: name)
    } catch {
      close(fd)
      throw error
    }
    descriptor = fd
    label = Mutex(name)
    self.configuration = configuration
    applyTransmitOptions()
  }

  /// Takes over a socket that another process made: maps its rings. Of one that is bound the kernel lets that be done from
  /// Linux 6.4 on; older ones answer EBUSY.
  ///
  /// - Parameters:
  ///   - descriptor: owned by this object from now on; closed if it is refused.
  ///   - sizes: the sizes that its maker set: the kernel tells nobody else.
  public init(adopting descriptor: CInt, name: String, rings sizes: RingSizes) throws(XSKError) {
    do throws(XSKError) {
      try sizes.validate()
      rings = try Self.mapBound(descriptor, sizes, name)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    label = Mutex(name)
    configuration = SocketConfiguration(rings: sizes)
  }

  deinit { close(descriptor) }

  /// What it is called once it is known which queue it is going to be bound to.
  func rename(_ name: String) { label.withLock { $0 = name } }

  private static func mapBound(_ fd: CInt, _ sizes: RingSizes, _ name: String) throws(XSKError) -> MappedRings {
    do throws(XSKError) {
      return try MappedRings(socket: fd, sizes: sizes, name: name)
    } catch {
      guard error.code == EBUSY else { throw error }
      throw XSKError(
        name, "this kernel maps no rings of a socket that is bound",
        remedy: "use the same version of xskd and of this, or Linux 6.4 or newer", code: EBUSY)
    }
  }

  private static func creationError(_ code: CInt) -> XSKError {
    switch code {
    case EPERM, EACCES:
      XSKError("AF_XDP socket", "not permitted", remedy: "run as root, or grant CAP_NET_RAW", code: code)
    case EAFNOSUPPORT:
      XSKError(
        "AF_XDP socket", "this kernel has none", remedy: "use a kernel built with CONFIG_XDP_SOCKETS=y", code: code)
    default:
      XSKError("AF_XDP socket", refused: "cannot be made", code: code, remedy: "see: xskfwd doctor")
    }
  }

  private static func register(_ umem: UMEM, with fd: CInt, name: String) throws(XSKError) {
    var registration = xdp_umem_reg()
    unsafe registration.addr = UInt64(UInt(bitPattern: umem.mapping.base))
    registration.len = umem.layout.size
    registration.chunk_size = UInt32(umem.configuration.chunkSize)
    registration.headroom = UInt32(umem.configuration.headroom)
    registration.flags = umem.configuration.unaligned ? CXSK_UMEM_UNALIGNED_CHUNKS : 0
    let size = socklen_t(MemoryLayout<xdp_umem_reg>.size)
    guard unsafe setsockopt(fd, CXSK_SOL_XDP, XDP_UMEM_REG, &registration, size) == 0 else {
      let code = errno
      guard code != EFAULT else {
        throw XSKError("\(name): UMEM", "pages of it are not there", remedy: "write to each page first", code: code)
      }
      let remedy =
        code == ENOBUFS || code == ENOMEM
        ? "raise the locked-memory limit (ulimit -l unlimited) or use fewer frames" : "see: xskfwd doctor"
      throw XSKError(
        "\(name): UMEM of \(umem.layout.size >> 10) KiB", refused: "refused", code: code, remedy: remedy)
    }
  }

  /// Both only make copy-mode transmission faster; a kernel that lacks or refuses one transmits 32 at a time.
  private func applyTransmitOptions() {
    var budget = max(32, min(configuration.transmitBudget, configuration.rings.transmit))
    _ = unsafe setsockopt(
      descriptor, CXSK_SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, socklen_t(MemoryLayout<UInt32>.size))
    var bytes = configuration.sendBuffer
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }
}

/// Sets an unsigned option of an AF_XDP socket.
func setOption(_ fd: CInt, _ option: CInt, _ value: UInt32, _ what: String, _ name: String) throws(XSKError) {
  var value = value
  guard unsafe setsockopt(fd, CXSK_SOL_XDP, option, &value, socklen_t(MemoryLayout<UInt32>.size)) == 0 else {
    throw XSKError("\(name): \(what)", refused: "refused", code: errno, remedy: "choose another size")
  }
}
