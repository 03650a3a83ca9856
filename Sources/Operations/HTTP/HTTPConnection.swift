import CXsk
import Glibc

/// One connection: one request, one answer, within a time. Owned by the server's thread.
final class HTTPConnection {
  private enum Phase {
    case reading, writing
    /// The head is said, and the body arises; no time ends it.
    case streaming
    /// All is said; what the peer still sends is read and thrown away for a moment, or closing would cut our answer off.
    case lingering
    case done
  }

  let descriptor: CInt
  let listener: Int
  private(set) var deadline: Double
  private let limits: HTTPLimits
  private var phase = Phase.reading
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var written = 0
  private var discarded = 0
  private var stream: HTTPStreamBody?
  /// The peer has said that it says no more.
  private var hasPeerEnded = false
  /// A refusal that was decided before anything was read.
  private let refusal: HTTPResponse?

  static let lingerSeconds = 1.0
  static let lingerBytes = 1 << 20

  init(_ descriptor: CInt, listener: Int, limits: HTTPLimits, now: Double, refusal: HTTPResponse?) {
    self.descriptor = descriptor
    self.listener = listener
    self.limits = limits
    self.refusal = refusal
    deadline = now + limits.seconds
  }

  deinit {
    stream?.stream.close()
    close(descriptor)
  }

  var isDone: Bool { phase == .done }
  var isStreaming: Bool { phase == .streaming }

  /// What to wait for, as poll(2) has it.
  var events: Int16 {
    switch phase {
    case .writing: Int16(POLLOUT)
    // Whoever closes both ways is noticed anyway.
    case .streaming: Int16((hasPeerEnded ? 0 : POLLIN) | (output.isEmpty ? 0 : POLLOUT))
    case .reading, .lingering, .done: Int16(POLLIN)
    }
  }

  /// When to go on although nothing can be read or written: the stream may have more.
  var nextLook: Double { phase == .streaming && output.isEmpty ? stream?.nextLook ?? .infinity : .infinity }

  /// Looks in on a stream whose peer takes nothing.
  func look() {
    if phase == .streaming && !output.isEmpty { stream?.stream.look() }
  }

  /// Has a stream come to its end.
  func finish() { stream?.stream.finish() }

  /// Something can be read or written: goes on as far as possible without waiting.
  func advance(now: Double, answer: (HTTPRequest) -> HTTPResponse) {
    switch phase {
    case .reading: read(now: now, answer: answer)
    case .writing: write(now: now)
    case .streaming: pump(now: now)
    case .lingering: discard()
    case .done: break
    }
  }

  private func read(now: Double, answer: (HTTPRequest) -> HTTPResponse) {
    var block = [UInt8](repeating: 0, count: 16_384)
    // Safe: at most the block's size is written into the block.
    let count = unsafe recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { phase = .done }
      return
    }
    input += block[..<count]
    switch HTTPParser.parse(input, limits: limits) {
    case .incomplete: return
    case .refused(let status):
      respond(
        .refusal(status, "\(status.phrase.lowercased()): the request is not understood"), headOnly: false, now: now)
    case .request(let request):
      respond(refusal ?? answer(request), headOnly: request.method == "HEAD", now: now)
    }
  }

  private func respond(_ response: HTTPResponse, headOnly: Bool, now: Double) {
    output = response.serialized(headOnly: headOnly)
    input = []
    if let body = response.stream {
      stream = HTTPStreamBody(body)
      (phase, deadline) = (.streaming, .infinity)
      return pump(now: now)
    }
    phase = .writing
    write(now: now)
  }

  /// Sends of a stream what there is, a few chunks at most: others want to be served, too.
  private func pump(now: Double) {
    noticeEnd()
    for _ in 0..<4 {
      guard isSent() else { return }
      guard let chunk = stream?.chunk(now: now) else {
        output = HTTPStreamBody.end
        (phase, deadline) = (.writing, now + limits.seconds)
        return write(now: now)
      }
      guard !chunk.isEmpty else { return }
      output = chunk
    }
    _ = isSent()
  }

  /// A peer that has closed its side wants the end of the stream. Whatever else it says is thrown away.
  private func noticeEnd() {
    var block = [UInt8](repeating: 0, count: 1024)
    for _ in 0..<16 where !hasPeerEnded {
      // Safe: as in `read`.
      let count = unsafe recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
      if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
      guard count <= 0 else { continue }
      hasPeerEnded = true
      finish()
    }
  }

  /// Sends what there is to send; false if it isn't all sent.
  private func isSent() -> Bool {
    while written < output.count {
      // Safe: the bytes from `written` on are the array's own.
      let count = unsafe output.withUnsafeBytes { bytes in
        unsafe send(
          descriptor, bytes.baseAddress! + written, bytes.count - written,
          CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else {
        if errno != EAGAIN && errno != EINTR { phase = .done }
        return false
      }
      written += count
    }
    (output, written) = ([], 0)
    return true
  }

  private func write(now: Double) {
    guard isSent() else { return }
    shutdown(descriptor, CInt(SHUT_WR))
    phase = .lingering
    deadline = min(deadline, now + Self.lingerSeconds)
    discard()
  }

  private func discard() {
    var block = [UInt8](repeating: 0, count: 16_384)
    while discarded < Self.lingerBytes {
      // Safe: as in `read`.
      let count = unsafe recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
      if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
      guard count > 0 else { break }
      discarded += count
    }
    phase = .done
  }
}
