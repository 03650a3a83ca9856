import Glibc
import LocalHTTP
import XSKEngine

/// An answer of a running engine that arises while it is read: a capture.
public struct ControlStream: ~Copyable {
  /// What a look at it gave.
  public enum Step: Sendable {
    /// More of the body.
    case bytes([UInt8])
    /// Nothing within the time.
    case nothing
    /// The body was complete.
    case end
    /// The other side ended before the body did.
    case cut
  }

  private let connection: CInt
  private let client: ControlClient
  private var chunks = HTTPChunks()
  /// What came with the head.
  private var first: ArraySlice<UInt8>
  private var block = [UInt8](repeating: 0, count: 65_536)

  private static let longestHead = 65_536

  /// Asks, and waits until the answer begins.
  ///
  /// - Throws: as `ControlClient.request`.
  public init(_ client: ControlClient, _ target: String, body: String = "") throws(XSKError) {
    let head =
      "POST \(target) HTTP/1.1\r\nHost: xskfwd\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
    let (connection, first) = try Self.begin(client, Array((head + body).utf8))
    self.client = client
    self.connection = connection
    self.first = first
  }

  /// A connection whose answer has begun, and what of its body has come.
  private static func begin(
    _ client: ControlClient, _ request: [UInt8]
  ) throws(XSKError) -> (connection: CInt, first: ArraySlice<UInt8>) {
    let connection = try client.connect(sending: request)
    do throws(XSKError) { return (connection, try firstBytes(client, connection)) } catch {
      close(connection)
      throw error
    }
  }

  private static func firstBytes(_ client: ControlClient, _ connection: CInt) throws(XSKError) -> ArraySlice<UInt8> {
    var block = [UInt8](repeating: 0, count: 4096)
    var answer: [UInt8] = []
    while answer.count < longestHead {
      if let found = LocalRequest.parse(answer, isWhole: false), found.status == 200 { return found.body[...] }
      // Safe: at most the block's size is written into the block.
      let count = unsafe recv(connection, &block, block.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw client.unreachable(errno) }
      guard count > 0 else { break }
      answer += block[..<count]
    }
    guard let (status, text) = LocalRequest.parse(answer) else { throw client.foreign }
    throw client.refused(status, text)
  }

  deinit { close(connection) }

  /// Asks for the end: what is still missing comes, then `.end`.
  public func finish() { shutdown(connection, CInt(SHUT_WR)) }

  /// Waits for more.
  ///
  /// - Throws: what is no answer of an xskfwd's.
  public mutating func next(milliseconds: CInt) throws(XSKError) -> Step {
    if chunks.isComplete { return .end }
    if first.isEmpty {
      var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
      // Safe: one entry, and at most the block's size is written into the block.
      guard unsafe poll(&entry, 1, milliseconds) > 0 else { return .nothing }
      let count = unsafe recv(connection, &block, block.count, CInt(MSG_DONTWAIT))
      if count < 0 && (errno == EAGAIN || errno == EINTR) { return .nothing }
      guard count > 0 else { return .cut }
      first = block[..<count]
    }
    guard let body = chunks.add(first) else { throw client.foreign }
    first = []
    return body.isEmpty ? chunks.isComplete ? .end : .nothing : .bytes(body)
  }
}
