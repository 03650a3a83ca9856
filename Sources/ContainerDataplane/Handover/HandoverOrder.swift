import Glibc
import Rtnetlink
import Synchronization
import XSKEngine

/// Which comes first, once a tenant's socket is made: that it is bound, or that its process maps the rings.
///
/// To hand over what is bound is the safer way: its device and its queue are settled for good. But before Linux 6.4 nobody can
/// map the rings of a bound socket (net/xdp/xsk.c, xsk_mmap: EBUSY but for XSK_READY). There the process gets a socket that is
/// bound to nothing yet, and that its kernel lets be bound to one device alone; `PreparedSocket` tells what becomes of it.
enum HandoverOrder: Sendable {
  case boundFirst, mappedFirst
  /// Neither is safe: the kernel maps no rings of a bound socket, and keeps one that isn't bound to no device.
  case none

  private static let found = Mutex<Result<HandoverOrder, XSKError>?>(nil)

  /// The one for this kernel. Looked for until it is found, which takes some tens of milliseconds, and known from then on. It takes
  /// capabilities that threads which read what strangers write don't have: they ask `asFound`.
  ///
  /// - Throws: what is missing to try it.
  @discardableResult static func ofThisKernel() throws(XSKError) -> HandoverOrder {
    try found.withLock { found throws(XSKError) in
      if case .success(let order) = found { return order }
      let result = Result { () throws(XSKError) in try TrialNamespace.run { () throws(XSKError) in try look() } }
      found = result
      return try result.get()
    }
  }

  /// What was found, or why nothing was when it was looked for last.
  static var asFound: Result<HandoverOrder, XSKError> {
    found.withLock { $0 } ?? .failure(XSKError("this kernel", "not looked at yet", remedy: "try again"))
  }

  /// What to say where there is none.
  static let neither = XSKError(
    "this kernel",
    "maps no rings of a bound socket (Linux 6.4 does), and does not keep one that isn't bound to its device (6.5 and stable "
      + "kernels from July 2023 on do)", remedy: "use a newer kernel", code: EOPNOTSUPP)

  /// Why bound sockets can't be handed over; nil: they can, as far as was found.
  ///
  /// It is what physical queues take. Their sockets belong to the node's namespace: one that is not bound yet could be bound to any
  /// device of the node, and is given to nobody.
  static func refusal(ofBound subject: String, _ kernel: Result<HandoverOrder, XSKError>) -> XSKError? {
    switch kernel {
    // What goes wrong with the look concerns veths, which it is made with.
    case .success(.boundFirst), .failure: return nil
    case .success(.mappedFirst), .success(.none):
      return XSKError(
        subject, "containers' sockets are bound before they are mapped, which takes Linux 6.4",
        remedy: "use a newer kernel", code: EOPNOTSUPP)
    }
  }

  /// Finds out with a veth pair, a program and a socket, which are made in the calling thread's network namespace: all that an
  /// attachment needs of the kernel.
  static func look() throws(XSKError) -> HandoverOrder {
    let names = ["probe0", "probe1"]
    let netlink = try Netlink()
    try netlink.createVeth(VethLink(name: names[0]), peer: VethLink(name: names[1]))
    for name in names { try netlink.setUp(name, true) }
    let device = try NetworkDevice(named: names[0], looksFar: false)
    let program = try XDPProgram.plain(on: device)
    defer { program.detach() }
    let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .plain))
    let socket = try XSKSocket.passing(name: "\(device.name) queue 0", umem: umem)
    try socket.bind(ifindex: device.index, queue: 0)
    do throws(XSKError) {
      _ = try XSKSocket(adopting: dup(socket.descriptor), name: "veth", rings: socket.configuration.rings)
      return .boundFirst
    } catch {
      guard error.code == EBUSY else { throw error }
    }
    return try isConfined(to: device, not: NetworkDevice(named: names[1], looksFar: false), umem) ? .mappedFirst : .none
  }

  /// Whether a socket which is meant for one device can't be bound to another: bind(2) looks at what SO_BINDTOIFINDEX has set
  /// only since Linux 6.5, and in stable kernels of July 2023 and later.
  private static func isConfined(
    to device: NetworkDevice, not other: NetworkDevice, _ umem: UMEM
  ) throws(XSKError) -> Bool {
    let socket = try XSKSocket.passing(name: "\(other.name) queue 0", umem: umem)
    try socket.confine(to: device.index)
    do throws(XSKError) { try socket.bind(ifindex: other.index, queue: 0) } catch {
      guard error.code == EINVAL else { throw error }
      return true
    }
    return false
  }
}

extension XSKSocket {
  /// One that is bound for a moment, to see whether that can be done.
  ///
  /// - Parameter patience: milliseconds that a busy queue is waited for.
  static func passing(name: String, umem: UMEM, patience: Int = 0) throws(XSKError) -> XSKSocket {
    try XSKSocket(
      name: name, umem: umem,
      SocketConfiguration(
        rings: RingSizes(receive: 64, transmit: 64), mode: .copy, bindPatience: patience))
  }
}
