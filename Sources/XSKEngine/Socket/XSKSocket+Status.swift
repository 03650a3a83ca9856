import CXsk
import Glibc

extension XSKSocket {
  /// What the kernel has counted on this socket.
  public var statistics: SocketStatistics {
    var raw = xdp_statistics()
    var length = socklen_t(MemoryLayout<xdp_statistics>.size)
    var result = SocketStatistics()
    guard unsafe getsockopt(descriptor, CXSK_SOL_XDP, XDP_STATISTICS, &raw, &length) == 0 else { return result }
    result.rxDropped = raw.rx_dropped
    result.rxInvalidDescriptors = raw.rx_invalid_descs
    result.txInvalidDescriptors = raw.tx_invalid_descs
    result.rxRingFull = raw.rx_ring_full
    result.fillRingEmpty = raw.rx_fill_ring_empty_descs
    result.txRingEmpty = raw.tx_ring_empty_descs
    return result
  }

  /// The socket's pending error (SO_ERROR), 0 if none. ENETDOWN: the device was unregistered; the descriptor otherwise looks
  /// healthy.
  func takeError() -> CInt {
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
    return code
  }

  /// Asks the kernel to poll the device from this socket's system calls (SO_PREFER_BUSY_POLL, SO_BUSY_POLL,
  /// SO_BUSY_POLL_BUDGET). If one is refused, the others are undone.
  ///
  /// - Parameters:
  ///   - microseconds: how long one call may poll an idle device.
  ///   - budget: packets that one call may take, 1…65535.
  /// - Returns: 0, or the errno of the option that was refused.
  func enableBusyPoll(microseconds: CInt, budget: CInt) -> CInt {
    let options: [(CInt, CInt)] = [
      (SO_PREFER_BUSY_POLL, 1), (SO_BUSY_POLL, microseconds), (SO_BUSY_POLL_BUDGET, budget),
    ]
    for (index, (option, value)) in options.enumerated() {
      let code = setSocketOption(option, value)
      guard code != 0 else { continue }
      for (done, _) in options[..<index] { _ = setSocketOption(done, 0) }
      return code
    }
    return 0
  }

  private func setSocketOption(_ option: CInt, _ value: CInt) -> CInt {
    var value = value
    return unsafe setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0
      ? 0 : errno
  }
}
