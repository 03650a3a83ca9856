import Glibc
import Testing

@testable import XSKLab

/// A UDP socket that somebody sends to, and one that sends: real stacks at both ends.
final class Datagrams {
  let port: UInt16
  private let sender: LabSocket
  private let receiver: LabSocket
  private let isIPv6: Bool

  /// - Parameter port: the receiver's; 0: any.
  init(from client: NetworkNamespace, to server: NetworkNamespace, address: String, port: UInt16 = 0) throws {
    let target = try IPBytes(address)
    receiver = try server.run {
      let socket = try LabSocket(target, type: SOCK_DGRAM, timeout: .seconds(10))
      try socket.bind(target, port: port)
      return socket
    }
    let bound = try receiver.localPort()
    self.port = bound
    sender = try client.run {
      let socket = try LabSocket(target, type: SOCK_DGRAM, timeout: .seconds(10))
      try socket.connect(target, port: bound)
      return socket
    }
    isIPv6 = target.isIPv6
    // Room for all that a test sends, so that nothing is lost while nobody reads.
    var room: CInt = 256 << 20
    // The option's own size.
    let code = unsafe setsockopt(receiver.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<CInt>.size))
    try #require(code == 0)
  }

  func setTimeToLive(_ value: CInt) throws {
    var value = value
    let size = socklen_t(MemoryLayout<CInt>.size)
    // The option's own size.
    let code =
      isIPv6
      ? unsafe setsockopt(sender.fd, CInt(IPPROTO_IPV6), IPV6_UNICAST_HOPS, &value, size)
      : unsafe setsockopt(sender.fd, CInt(IPPROTO_IP), IP_TTL, &value, size)
    try #require(code == 0)
  }

  func send(_ bytes: [UInt8]) -> Bool {
    // send() reads exactly the array's bytes.
    unsafe Glibc.send(sender.fd, bytes, bytes.count, 0) == bytes.count
  }

  /// What has arrived, datagram by datagram, until nothing comes for `timeout`.
  func receive(timeout: Duration = .milliseconds(300)) -> [[UInt8]] {
    receiver.setTimeout(timeout)
    var found: [[UInt8]] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      // recv() writes at most the block's size.
      let count = unsafe recv(receiver.fd, &block, block.count, 0)
      guard count >= 0 else { return found }
      found.append(Array(block[..<count]))
    }
  }
}
