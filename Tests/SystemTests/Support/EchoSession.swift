import Glibc

@testable import XSKLab

/// One TCP connection, for as long as it is kept: somebody at a terminal of another machine.
final class EchoSession {
  private let client: LabSocket
  private let server: LabSocket
  private var count: UInt8 = 0

  init(from guest: NetworkNamespace, to host: NetworkNamespace, address: String) throws {
    let target = try IPBytes(address)
    let listener = try host.run {
      let socket = try LabSocket(target, type: SOCK_STREAM, timeout: .seconds(10))
      try socket.bind(target)
      try socket.listen()
      return socket
    }
    let port = try listener.localPort()
    client = try guest.run {
      let socket = try LabSocket(target, type: SOCK_STREAM, timeout: .seconds(10))
      try socket.connect(target, port: port)
      return socket
    }
    server = try listener.accept(timeout: .seconds(10))
  }

  /// Says something and hears it back: with retransmissions if need be, but within 10 s.
  func echoes(_ times: Int = 5) -> Bool {
    for _ in 0..<times {
      count &+= 1
      let said = [UInt8](repeating: count, count: 1000)
      guard pass(said, from: client, to: server), pass(said, from: server, to: client) else { return false }
    }
    return true
  }

  private func pass(_ bytes: [UInt8], from: LabSocket, to: LabSocket) -> Bool {
    // send() reads the array's bytes, recv() writes at most the buffer's size.
    guard unsafe send(from.fd, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return false }
    var buffer = [UInt8](repeating: 0, count: bytes.count)
    return unsafe recv(to.fd, &buffer, buffer.count, Int32(MSG_WAITALL)) == bytes.count && buffer == bytes
  }
}
