import CXsk
import Glibc
import XSKEngine

/// An IP socket of the calling thread's namespace; every call on it is bounded by `timeout`.
final class LabSocket: Sendable {
  let fd: CInt

  init(_ address: IPBytes, type: __socket_type, protocolNumber: Int32 = 0, timeout: Duration) throws(XSKError) {
    fd = socket(address.family, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), protocolNumber)
    guard fd >= 0 else {
      throw XSKError("socket", refused: "can't be made", code: errno, remedy: "run as root, with IPv4 and IPv6 on")
    }
    setTimeout(timeout)
  }

  private init(fd: CInt) { self.fd = fd }

  deinit { close(fd) }

  func setTimeout(_ timeout: Duration) {
    let parts = timeout.components
    // Zero would mean "for ever".
    let microseconds = max(parts.attoseconds / 1_000_000_000_000, parts.seconds == 0 ? 1000 : 0)
    var bound = timeval(tv_sec: Int(parts.seconds), tv_usec: Int(microseconds))
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // The kernel copies the timeval during the call.
      unsafe setsockopt(fd, SOL_SOCKET, option, &bound, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  func bind(_ address: IPBytes, port: UInt16 = 0) throws(XSKError) {
    try check("can't bind to port \(port)", unsafe Self.with(address, port) { unsafe Glibc.bind(fd, $0, $1) })
  }

  func connect(_ address: IPBytes, port: UInt16) throws(XSKError) {
    try check("can't connect to port \(port)", unsafe Self.with(address, port) { unsafe Glibc.connect(fd, $0, $1) })
  }

  func listen() throws(XSKError) { try check("can't listen", Glibc.listen(fd, 8)) }

  func accept(timeout: Duration) throws(XSKError) -> LabSocket {
    let peer = Glibc.accept(fd, nil, nil)
    try check("nobody connects", peer)
    let socket = LabSocket(fd: peer)
    socket.setTimeout(timeout)
    return socket
  }

  /// The port that the kernel chose.
  func localPort() throws(XSKError) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // sockaddr_storage holds any address; the port is at the same place in IPv4 and IPv6 addresses.
    let port = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(fd, $0, &length) } == 0
        ? unsafe UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian : 0
    }
    try check("has no port", port == 0 ? -1 : 0)
    return port
  }

  private func check(_ problem: String, _ code: CInt) throws(XSKError) {
    guard code < 0 else { return }
    throw XSKError(
      "socket", refused: problem, code: errno, remedy: "check addresses, routes, and that both ends are up")
  }

  private static func with(
    _ address: IPBytes, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    // The family's own layout, written as bytes: family, port, then (flow label and) address. Both fit 28 bytes.
    var bytes = [UInt8](repeating: 0, count: 28)
    // sa_family_t in host order; the port in network order.
    unsafe withUnsafeBytes(of: sa_family_t(address.family)) { unsafe bytes.replaceSubrange(0..<2, with: $0) }
    unsafe withUnsafeBytes(of: port.bigEndian) { unsafe bytes.replaceSubrange(2..<4, with: $0) }
    let offset = address.isIPv6 ? 8 : 4
    bytes.replaceSubrange(offset..<offset + address.bytes.count, with: address.bytes)
    return unsafe bytes.withUnsafeBytes { raw in
      // Not empty, so it has an address; the kernel copies it during the call.
      guard let base = raw.baseAddress else { return -1 }
      return unsafe body(base.assumingMemoryBound(to: sockaddr.self), address.isIPv6 ? 28 : 16)
    }
  }
}
