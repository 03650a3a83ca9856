import CXsk
import Glibc
import Synchronization
import XSKEngine

/// What a TCP transfer between two namespaces came to.
public struct TCPTransfer: Hashable, Sendable {
  public let sentBytes: UInt64
  public let receivedBytes: UInt64
  /// Digests of what was written and what was read; equal if every byte arrived in its place.
  public let sentDigest: UInt64
  public let receivedDigest: UInt64
  /// From the first write to the end of the stream at the server.
  public let duration: Duration

  public var isIntact: Bool { sentBytes == receivedBytes && sentDigest == receivedDigest }
  /// Bits of payload a second.
  public var bitsPerSecond: Double { Double(receivedBytes) * 8 / max(duration / .seconds(1), 1e-9) }

  /// Sends pseudo-random bytes from a client in one namespace to a server in another.
  ///
  /// - Parameters:
  ///   - address: the server's IP address, without prefix.
  ///   - timeout: for the whole transfer.
  /// - Throws: `XSKError` if it can't be connected, stalls, or takes longer.
  public static func run(
    from client: NetworkNamespace, to server: NetworkNamespace, address: String, bytes: UInt64, seed: UInt64 = 1,
    timeout: Duration = .seconds(90)
  ) throws(XSKError) -> TCPTransfer {
    let target = try IPBytes(address)
    let deadline = ContinuousClock.now + timeout
    let listener = try server.onThread { () throws(XSKError) in
      let socket = try LabSocket(target, type: SOCK_STREAM, timeout: timeout)
      try socket.bind(target)
      try socket.listen()
      return socket
    }
    let port = try listener.localPort()
    let answer = OneShot<Received>()
    try SystemThread.start("lab-tcp-server") {
      answer.fulfill(Result { () throws(XSKError) in try receive(try listener.accept(timeout: timeout), deadline) })
    }
    let start = ContinuousClock.now
    let sent = try client.onThread { () throws(XSKError) in
      let socket = try LabSocket(target, type: SOCK_STREAM, timeout: timeout)
      try socket.connect(target, port: port)
      return try send(socket, bytes, seed, deadline)
    }
    let received = try answer.wait()
    return TCPTransfer(
      sentBytes: sent.count, receivedBytes: received.digest.count, sentDigest: sent.value(),
      receivedDigest: received.digest.value(), duration: received.end - start)
  }

  private struct Received: Sendable {
    let digest: StreamDigest
    let end: ContinuousClock.Instant
  }

  /// Writes the stream and closes.
  private static func send(
    _ socket: LabSocket, _ bytes: UInt64, _ seed: UInt64, _ deadline: ContinuousClock.Instant
  ) throws(XSKError) -> StreamDigest {
    var stream = PseudoRandomStream(seed: seed)
    var digest = StreamDigest()
    var left = bytes
    while left > 0 {
      let block = stream.next(Int(min(left, 65_536)))
      digest.add(block[...])
      var rest = block[...]
      while !rest.isEmpty {
        try check(deadline, left)
        // send() reads at most the slice's bytes.
        let count = unsafe rest.withUnsafeBytes {
          unsafe Glibc.send(socket.fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { throw stalled("sending", errno) }
        rest = rest.dropFirst(count)
      }
      left -= UInt64(block.count)
    }
    return digest
  }

  /// Reads until the other side closes.
  private static func receive(_ socket: LabSocket, _ deadline: ContinuousClock.Instant) throws(XSKError) -> Received {
    var digest = StreamDigest()
    var block = [UInt8](repeating: 0, count: 262_144)
    while true {
      try check(deadline, 0)
      // recv() writes at most the block's size.
      let count = unsafe recv(socket.fd, &block, block.count, 0)
      guard count >= 0 else { throw stalled("receiving", errno) }
      guard count > 0 else { return Received(digest: digest, end: .now) }
      digest.add(block[..<count])
    }
  }

  private static func check(_ deadline: ContinuousClock.Instant, _ left: UInt64) throws(XSKError) {
    guard ContinuousClock.now >= deadline else { return }
    throw XSKError("TCP transfer", "out of time with \(left) bytes unsent", remedy: "allow more time")
  }

  private static func stalled(_ what: String, _ code: CInt) -> XSKError {
    XSKError(
      "TCP transfer", refused: "stopped \(what)", code: code, remedy: "check that packets pass in both directions")
  }
}
