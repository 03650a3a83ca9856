import CXsk
import Glibc

extension XSKSocket {
  /// Binds to a queue of a device; packets flow once the socket is in the device's XSKMAP.
  ///
  /// Asks for need_wakeup always. Without a demand for one mode the kernel itself takes zero-copy where the driver has it,
  /// else copy. A queue that is busy is tried again until `bindPatience` is over.
  ///
  /// - Parameters:
  ///   - ifindex: the device, in the network namespace that the socket was made in.
  ///   - sharing: a bound socket whose UMEM this one shares (XDP_SHARED_UMEM); the mode is then that socket's.
  ///   - copying: never zero-copy: what a program in generic mode redirects reaches copy-mode sockets only.
  public func bind(
    ifindex: CInt, queue: Int, sharing owner: XSKSocket? = nil, copying: Bool = false
  ) throws(XSKError) {
    var address = sockaddr_xdp()
    address.sxdp_family = UInt16(CXSK_AF_XDP)
    address.sxdp_ifindex = UInt32(ifindex)
    address.sxdp_queue_id = UInt32(queue)
    if let owner {
      address.sxdp_flags = CXSK_BIND_SHARED_UMEM
      address.sxdp_shared_umem_fd = UInt32(owner.descriptor)
    } else {
      address.sxdp_flags = bindFlags(copying: copying)
    }
    var waited = 0
    while true {
      let code = Self.bind(descriptor, address)
      if code == 0 { return }
      // A socket that is bound itself is refused in the same way (xsk_bind), and for good.
      guard code == EBUSY && waited < configuration.bindPatience && !isBound else { throw bindError(code) }
      usleep(20_000)
      waited += 20
    }
  }

  private func bindFlags(copying: Bool) -> UInt16 {
    let mode: UInt16 =
      switch configuration.mode {
      case .auto: copying ? CXSK_BIND_COPY : 0
      case .zerocopy: CXSK_BIND_ZEROCOPY
      case .copy, .generic: CXSK_BIND_COPY
      }
    return mode | CXSK_BIND_NEED_WAKEUP | (configuration.multiBuffer ? CXSK_BIND_SG : 0)
  }

  private static func bind(_ fd: CInt, _ address: sockaddr_xdp) -> CInt {
    var address = address
    let length = socklen_t(MemoryLayout<sockaddr_xdp>.size)
    let result = unsafe withUnsafePointer(to: &address) {
      unsafe Glibc.bind(fd, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
    }
    return result == 0 ? 0 : errno
  }

  private func bindError(_ code: CInt) -> XSKError {
    switch code {
    case EBUSY where isBound:
      XSKError(
        name, "the socket is bound already, by a process that it was given to", remedy: "make another", code: code)
    case EBUSY:
      XSKError(name, "busy (another socket is bound)", remedy: "stop it or choose another queue", code: code)
    case EOPNOTSUPP:
      XSKError(
        name, "mode \(configuration.mode.rawValue) is not supported by its driver", remedy: "use --mode auto",
        code: code)
    case EINVAL:
      XSKError(
        name, "refused by the kernel (no such queue, or its settings do not fit)",
        remedy: "choose a queue below the device's RX queue count, see: ethtool -l", code: code)
    case ENODEV:
      XSKError(name, "the device is gone", remedy: "create it again", code: code)
    case ENETDOWN:
      XSKError(name, "the device is down", remedy: "bring it up: ip link set dev DEVICE up", code: code)
    default:
      XSKError(name, refused: "cannot be bound", code: code, remedy: "see: xskfwd doctor")
    }
  }

  /// Whether it is bound to a queue, by whomever. Nothing is received or sent by asking: recvfrom(2) answers ENXIO to those that
  /// aren't (net/xdp/xsk.c, xsk_recvmsg).
  package var isBound: Bool { cxsk_wake_rx(descriptor) != -ENXIO }

  /// Has the kernel refuse to bind it to any other device (SO_BINDTOIFINDEX). Whoever holds the socket can't undo that without
  /// CAP_NET_RAW in its network namespace's user namespace. Kernels from before July 2023 don't look at it.
  ///
  /// - Parameter ifindex: the device, in the network namespace that the socket was made in.
  package func confine(to ifindex: CInt) throws(XSKError) {
    var index = ifindex
    // Safe: as many bytes as said.
    let result = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, &index, socklen_t(MemoryLayout<CInt>.size))
    guard result == 0 else {
      throw XSKError(name, refused: "can't be kept to its device", code: errno, remedy: "see: xskd check")
    }
  }

  /// Whether the kernel took zero-copy for this bound socket (XDP_OPTIONS).
  public var isZeroCopy: Bool {
    var options = xdp_options()
    var length = socklen_t(MemoryLayout<xdp_options>.size)
    guard unsafe getsockopt(descriptor, CXSK_SOL_XDP, XDP_OPTIONS, &options, &length) == 0 else { return false }
    return options.flags & CXSK_OPTIONS_ZEROCOPY != 0
  }
}
