import Glibc

/// Why an answer is missing.
public enum LocalRequestFailure: Error, Hashable, Sendable {
  /// Nobody listens on the socket, or it may not be used.
  case absent(code: CInt)
  /// The connection broke, or nothing was said for too long (EAGAIN).
  case lost(code: CInt)
  /// The other side went away without a word.
  case silent
  /// What was said is no answer in HTTP.
  case foreign
  /// It says more than anybody keeps.
  case endless
}

/// HTTP over a UNIX socket, one request a connection: what asking a running program takes. Blocks for a bounded time, and links
/// nothing but the C library.
public struct LocalRequest: Sendable {
  public let path: String
  /// Milliseconds that the other side may be silent.
  public let patience: Int
  /// Bytes of an answer at most.
  public let longestAnswer: Int

  public init(path: String, patience: Int, longestAnswer: Int) {
    (self.path, self.patience, self.longestAnswer) = (path, patience, longestAnswer)
  }

  /// Status and body of the answer to a request, which asks for the connection's end.
  public func exchange(_ request: [UInt8]) throws(LocalRequestFailure) -> (status: Int, body: [UInt8]) {
    let connection = try connect(sending: request)
    defer { close(connection) }
    let text = try answer(from: connection)
    guard !text.isEmpty else { throw .silent }
    guard let answer = Self.parse(text) else { throw .foreign }
    return answer
  }

  /// A connection that a request was sent on; the caller closes it.
  public func connect(sending request: [UInt8]) throws(LocalRequestFailure) -> CInt {
    let connection = try connected()
    do throws(LocalRequestFailure) {
      try send(request, to: connection)
    } catch {
      close(connection)
      throw error
    }
    return connection
  }

  /// A connection.
  ///
  /// - Throws: nobody listens.
  public func connected() throws(LocalRequestFailure) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The last byte stays 0.
    guard (1..<MemoryLayout.size(ofValue: address.sun_path)).contains(path.utf8.count) else {
      throw .absent(code: ENAMETOOLONG)
    }
    // Safe: the path is shorter than the field.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard connection >= 0 else { throw .absent(code: errno) }
    var bound = timeval(tv_sec: patience / 1000, tv_usec: patience % 1000 * 1000)
    // SO_SNDTIMEO also bounds connect(), which waits while the listener's queue is full.
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // Safe: the option's value is a timeval, and its size is told.
      unsafe setsockopt(connection, SOL_SOCKET, option, &bound, socklen_t(MemoryLayout<timeval>.size))
    }
    // Safe: a sockaddr_un is passed as what connect() takes for every family, with its size.
    let status = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      let code = errno
      close(connection)
      throw .absent(code: code)
    }
    return connection
  }

  private func send(_ bytes: [UInt8], to connection: CInt) throws(LocalRequestFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .lost(code: errno) }
      rest = rest.dropFirst(count)
    }
  }

  private func answer(from connection: CInt) throws(LocalRequestFailure) -> [UInt8] {
    var answer: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while answer.count < longestAnswer {
      // Safe: at most the block's size is written into the block.
      let count = unsafe recv(connection, &block, block.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .lost(code: errno) }
      guard count > 0 else { return answer }
      answer += block[..<count]
    }
    throw .endless
  }

  /// Status and body of an answer that ended with its connection, whole if it says how long it is; or of one of which there
  /// is the head at least.
  public static func parse(_ answer: [UInt8], isWhole: Bool = true) -> (status: Int, body: [UInt8])? {
    let separator = Array("\r\n\r\n".utf8)
    guard let end = answer.indices.first(where: { answer[$0...].starts(with: separator) }) else { return nil }
    let lines = String(decoding: answer[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
    let body = Array(answer[(end + separator.count)...])
    for line in lines.dropFirst() where isWhole && line.lowercased().hasPrefix("content-length:") {
      guard Int(line.dropFirst(15).filter { $0 != " " }) == body.count else { return nil }
    }
    return (status, body)
  }
}
