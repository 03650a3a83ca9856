import CXsk
import Glibc
import XSKEngine

/// A routing netlink socket of the calling thread's namespace (rtnetlink(7)): devices, addresses and neighbours
/// without the `ip` program.
package final class Netlink {
  private let fd: CInt
  private var sequence: UInt32 = 0

  package init() throws(XSKError) {
    fd = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
    guard fd >= 0 else {
      throw XSKError("netlink", refused: "no socket", code: errno, remedy: "use a kernel with networking")
    }
    // The kernel answers at once; the bound is for the day it doesn't.
    var bound = timeval(tv_sec: 10, tv_usec: 0)
    unsafe setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(fd) }

  /// One reply: its type, and what follows the header.
  package struct Reply {
    package let type: Int
    /// Part of a list that changed meanwhile (NLM_F_DUMP_INTR).
    package let isInterrupted: Bool
    package let payload: ArraySlice<UInt8>
  }

  /// Sends a request and returns the replies to it.
  ///
  /// - Parameters:
  ///   - subject: the thing that an error should name.
  ///   - problem: what an error should say could not be done.
  @discardableResult
  package func request(_ message: NetlinkMessage, _ subject: String, _ problem: String) throws(XSKError) -> [Reply] {
    for _ in 0..<Self.mostTries {
      if let replies = try ask(message, subject, problem) { return replies }
    }
    throw XSKError(
      subject, "\(problem): it changes all the time (NLM_F_DUMP_INTR)", remedy: "try again", code: EAGAIN)
  }

  /// A list that changes while the kernel tells it may lack what was there all along: it is asked for again, so often.
  private static let mostTries = 50

  /// - Returns: nil: a list that isn't whole.
  private func ask(_ message: NetlinkMessage, _ subject: String, _ problem: String) throws(XSKError) -> [Reply]? {
    sequence &+= 1
    let bytes = message.finished(sequence: sequence)
    var isWhole = true
    // send() reads exactly the array's bytes.
    guard unsafe send(fd, bytes, bytes.count, 0) == bytes.count else {
      throw XSKError(subject, refused: problem, code: errno, remedy: Self.remedy(errno))
    }
    var replies: [Reply] = []
    while true {
      for reply in try receive(subject) {
        isWhole = isWhole && !reply.isInterrupted
        guard reply.type == NLMSG_ERROR || reply.type == NLMSG_DONE else {
          replies.append(reply)
          continue
        }
        // A list's end says, too, whether it broke off.
        let code = min(0, reply.payload.number(Int32.self) ?? 0)
        guard code == 0 else { throw XSKError(subject, refused: problem, code: code, remedy: Self.remedy(-code)) }
        return isWhole ? replies : nil
      }
    }
  }

  /// The messages of one datagram.
  private func receive(_ subject: String) throws(XSKError) -> [Reply] {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var count: Int
    repeat {
      // recv() writes at most the buffer's size. With a time limit it isn't begun again by itself after a signal (signal(7)).
      count = unsafe recv(fd, &buffer, buffer.count, 0)
    } while count < 0 && errno == EINTR
    guard count > 0 else {
      throw XSKError(subject, refused: "netlink gives no answer", code: errno, remedy: "try again")
    }
    var replies: [Reply] = []
    var rest = buffer[..<count]
    while rest.count >= 16 {
      let length = Int(rest.number(UInt32.self) ?? 0)
      guard length >= 16, length <= rest.count else { break }
      let isOurs = rest.dropFirst(8).number(UInt32.self) == sequence
      let type = Int(rest.dropFirst(4).number(UInt16.self) ?? 0)
      let flags = rest.dropFirst(6).number(UInt16.self) ?? 0
      if isOurs {
        replies.append(
          Reply(type: type, isInterrupted: flags & 0x10 != 0, payload: rest.dropFirst(16).prefix(length - 16)))
      }
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return replies
  }

  private static func remedy(_ code: CInt) -> String {
    switch code {
    case EPERM, EACCES: "run as root (CAP_NET_ADMIN)"
    case EEXIST: "choose another name or address, or remove what is there"
    case ENODEV: "check the device's name"
    case EOPNOTSUPP: "load the kernel module for it (modprobe veth)"
    default: "check the values given"
    }
  }
}

/// Flags and message numbers that are macros or enumerators with C types of their own.
package enum NetlinkFlag {
  package static let acknowledged = NLM_F_REQUEST | NLM_F_ACK
  package static let create = acknowledged | NLM_F_CREATE | NLM_F_EXCL
  package static let replace = acknowledged | NLM_F_CREATE | NLM_F_REPLACE
  package static let dump = NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
}
