import Glibc
import XSKEngine

/// A routing netlink socket in the network namespace of the thread that made it (rtnetlink(7)); it never blocks by itself.
final class RoutingSocket {
  /// What became of a receive.
  enum Received: Equatable {
    /// Bytes at the buffer's beginning.
    case bytes(Int)
    case nothing
    /// Messages were lost for want of room (ENOBUFS), or one is larger than the buffer.
    case lost
    case failed(CInt)
  }

  let descriptor: CInt
  private var sequence: UInt32 = 0
  /// Whether dumps can be asked for one table: else all come, and the reader chooses (before kernel 4.20).
  let isStrict: Bool

  /// - Parameter receiveBuffer: bytes for messages that nobody has taken yet; nil: the kernel's default.
  init(receiveBuffer: Int? = nil) throws(XSKError) {
    descriptor = try Self.open()
    // SOL_NETLINK, NETLINK_GET_STRICT_CHK.
    isStrict = Self.set(descriptor, 270, 12, 1)
    if let receiveBuffer {
      let bytes = CInt(clamping: receiveBuffer)
      // SO_RCVBUFFORCE goes beyond net.core.rmem_max, for those who may (CAP_NET_ADMIN).
      if !Self.set(descriptor, SOL_SOCKET, 33, bytes) { _ = Self.set(descriptor, SOL_SOCKET, SO_RCVBUF, bytes) }
    }
  }

  /// Takes over a connected socket of datagrams, at whose other end somebody stands for the kernel.
  init(adopting descriptor: CInt, isStrict: Bool = true) { (self.descriptor, self.isStrict) = (descriptor, isStrict) }

  deinit { close(descriptor) }

  private static func open() throws(XSKError) -> CInt {
    let descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw XSKError("netlink", refused: "no socket", code: errno, remedy: "allow netlink sockets")
    }
    // struct sockaddr_nl: the family, and 0 for a port of the kernel's choice, without which it tells the socket nothing.
    let address: [UInt32] = [UInt32(AF_NETLINK), 0, 0]
    // bind(2) reads the twelve bytes.
    let isBound = unsafe address.withUnsafeBytes { bytes in
      unsafe bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
    }
    guard isBound else {
      let code = errno
      close(descriptor)
      throw XSKError("netlink", refused: "no port", code: code, remedy: "allow netlink sockets")
    }
    return descriptor
  }

  private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) -> Bool {
    var value = value
    // The kernel copies the number during the call.
    return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0
  }

  /// Has the kernel send what it says to a multicast group (RTNLGRP_*); false if there is no such group.
  func join(_ group: CInt) -> Bool { Self.set(descriptor, 270, 1, group) }

  func nextSequence() -> UInt32 {
    sequence &+= 1
    return sequence
  }

  /// - Returns: 0, or the errno.
  func send(_ request: NetlinkRequest) -> CInt {
    let bytes = request.finished
    // send(2) reads the array's bytes.
    let sent = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
    return sent == bytes.count ? 0 : errno
  }

  /// Takes one datagram of the kernel's, without waiting. Those of other processes are passed over.
  func receive(into buffer: inout [UInt8]) -> Received {
    // struct sockaddr_nl: the sender's port is in bytes 4 to 7, and 0 is the kernel.
    var sender = [UInt32](repeating: 0, count: 3)
    while true {
      var length = socklen_t(12)
      // recvfrom(2) writes at most the sizes given into the two arrays. MSG_TRUNC has it say how long the datagram was.
      let count = unsafe buffer.withUnsafeMutableBytes { buffer in
        unsafe sender.withUnsafeMutableBytes { sender in
          unsafe recvfrom(
            descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT) | CInt(MSG_TRUNC),
            sender.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
      }
      if count > buffer.count { return .lost }
      if count >= 0 {
        if sender[1] == 0 { return .bytes(count) }
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .nothing
      case ENOBUFS: return .lost
      default: return .failed(errno)
      }
    }
  }

  /// Waits until something can be received; false if nothing comes within so many milliseconds.
  func wait(milliseconds: CInt) -> Bool {
    var entry = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
    // poll(2) reads and writes the one entry.
    return unsafe poll(&entry, 1, milliseconds) > 0
  }
}
