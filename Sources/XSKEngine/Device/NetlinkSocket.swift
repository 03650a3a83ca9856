import Glibc

/// A netlink socket in the network namespace of the thread that made it; see netlink(7).
struct NetlinkSocket: ~Copyable {
  /// NETLINK_ROUTE and NETLINK_GENERIC.
  static let route: CInt = 0
  static let generic: CInt = 16

  private let descriptor: CInt
  private var sequence: UInt32 = 0

  init(_ family: CInt) throws(ErrorNumber) {
    descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), family)
    guard descriptor >= 0 else { throw ErrorNumber(errno) }
    // The kernel answers within the request; the bound is for answers that get lost when memory is short.
    var patience = timeval(tv_sec: 2, tv_usec: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Sends a request and collects its answer, up to the kernel's acknowledgement or end of dump.
  mutating func request(type: UInt16, dump: Bool = false, body: [UInt8]) throws(ErrorNumber) -> [NetlinkMessage] {
    sequence &+= 1
    let flags: UInt16 = dump ? 0x301 : 0x5  // NLM_F_REQUEST with NLM_F_DUMP or NLM_F_ACK
    let bytes = NetlinkMessage.request(type: type, flags: flags, sequence: sequence, body: body)
    let sent = unsafe bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, 0) }
    guard sent == bytes.count else { throw ErrorNumber(errno) }
    var answer = [NetlinkMessage]()
    while true {
      for message in NetlinkMessage.parse(try receive()) where message.sequence == sequence {
        switch message.type {
        case NetlinkMessage.error, NetlinkMessage.done:
          guard message.errorNumber == 0 else { throw ErrorNumber(message.errorNumber) }
          return answer
        default: answer.append(message)
        }
      }
    }
  }

  /// Has the kernel send what it says to a multicast group of the family (RTNLGRP_*).
  func join(_ group: CInt) throws(ErrorNumber) {
    var group = group
    // SOL_NETLINK, NETLINK_ADD_MEMBERSHIP; the kernel copies the number during the call.
    guard unsafe setsockopt(descriptor, 270, 1, &group, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
      throw ErrorNumber(errno)
    }
  }

  /// Takes all that waits, without waiting itself, and forgets it.
  ///
  /// - Returns: whether there was anything, or something was lost (ENOBUFS).
  func drain() -> Bool {
    var hadAny = false
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      // recv(2) writes at most the buffer's size; what is cut off is forgotten as well.
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
      }
      if count < 0 && errno != EINTR && errno != ENOBUFS { return hadAny }
      hadAny = hadAny || count >= 0 || errno == ENOBUFS
    }
  }

  private func receive() throws(ErrorNumber) -> ArraySlice<UInt8> {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count > 0 { return buffer[..<count] }
      guard count < 0, errno == EINTR else { throw ErrorNumber(count == 0 ? EPIPE : errno) }
    }
  }
}
