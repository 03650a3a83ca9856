import Glibc
import LocalHTTP
import Synchronization
import Testing
import XSKEngine
import XSKLab

@testable import Operations

/// A stream that a test feeds, and what it was told.
final class FakeStream: HTTPStream {
  struct State: Sendable {
    var pieces: [[UInt8]] = []
    /// Never runs dry.
    var isEndless = false
    var handedOut = 0
    var isFinished = false
    var isClosed = false
  }

  let state = Mutex(State())

  func next(upTo limit: Int) -> [UInt8]? {
    state.withLock { state in
      if !state.pieces.isEmpty {
        state.handedOut += state.pieces[0].count
        return state.pieces.removeFirst()
      }
      if state.isFinished { return nil }
      guard state.isEndless else { return [] }
      state.handedOut += limit
      return [UInt8](repeating: 0x55, count: limit)
    }
  }

  func finish() {
    state.withLock { state in
      if !state.isFinished { state.pieces.append(Array("end".utf8)) }
      state.isFinished = true
    }
  }

  func close() { state.withLock { $0.isClosed = true } }

  func add(_ text: String) { state.withLock { $0.pieces.append(Array(text.utf8)) } }
  var isClosed: Bool { state.withLock { $0.isClosed } }
  var handedOut: Int { state.withLock { $0.handedOut } }
}

final class StreamRig {
  let stream = FakeStream()
  let server: ServerRig
  private let path: String

  init(_ limits: HTTPLimits = HTTPLimits()) throws {
    let stream = stream
    server = try ServerRig(
      limits, answer: { _ in HTTPResponse(contentType: "application/x", stream: stream) }, method: "POST")
    path = server.path
  }

  func open() throws -> ControlStream { try ControlStream(ControlClient(path: path), "/a") }
}

@Suite("Bodies that arise while they are sent") struct HTTPStreamTests {
  /// Everything up to the end, or nil if it was cut.
  static func readAll(_ stream: inout ControlStream) throws -> String? {
    var text = ""
    for _ in 0..<10_000 {
      switch try stream.next(milliseconds: 1000) {
      case .bytes(let bytes): text += String(decoding: bytes, as: UTF8.self)
      case .nothing: continue
      case .end: return text
      case .cut: return nil
      }
    }
    return nil
  }

  @Test func `pieces arrive as they arise, and the end when it was asked for`() throws {
    let rig = try StreamRig()
    var stream = try rig.open()
    for text in ["one", "two", String(repeating: "x", count: 300_000)] {
      rig.stream.add(text)
      var got = ""
      while got.count < text.count {
        guard case .bytes(let bytes) = try stream.next(milliseconds: 10_000) else { continue }
        got += String(decoding: bytes, as: UTF8.self)
      }
      #expect(got == text)
    }
    stream.finish()
    #expect(try Self.readAll(&stream) == "end")
    #expect(eventually { rig.stream.isClosed })
  }

  @Test func `no time ends a stream, and a crowd does not push it out`() throws {
    let rig = try StreamRig(HTTPLimits(connections: 3, seconds: 0.2))
    var stream = try rig.open()
    for _ in 0..<20 {
      let other = try rig.server.connect()
      other.send("POST /b HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
      #expect(try #require(LocalRequest.parse(other.readAll())).status == 200)
    }
    // Longer than a connection's time, by the server's own clock: one that says nothing has been cut off.
    let silent = try rig.server.connect()
    #expect(silent.readAll() == [])
    rig.stream.add("still here")
    stream.finish()
    #expect(try Self.readAll(&stream) == "still hereend")
  }

  @Test func `a client that never reads costs one chunk, and others are served`() throws {
    let rig = try StreamRig()
    rig.stream.state.withLock { $0.isEndless = true }
    let stream = try rig.open()
    var handedOut = -1
    // Until the socket takes no more.
    #expect(
      eventually { () -> Bool in
        defer { handedOut = rig.stream.handedOut; usleep(50_000) }
        return handedOut == rig.stream.handedOut
      })
    #expect(handedOut < 4 << 20)
    #expect(try rig.server.ask("POST /b HTTP/1.1\r\nContent-Length: 0\r\n\r\n").status == 200)
    #expect(!rig.stream.isClosed)
    _ = consume stream
    // Gone without a word: the stream is let go of.
    #expect(eventually { rig.stream.isClosed })
  }

  @Test func `a client that goes while nothing arises is noticed`() throws {
    let rig = try StreamRig()
    let stream = try rig.open()
    _ = consume stream
    #expect(eventually { rig.stream.isClosed })
  }

  @Test func `a server that stops brings streams to their ends`() throws {
    let rig = try StreamRig()
    var stream = try rig.open()
    rig.stream.add("one ")
    rig.server.server.stop()
    #expect(try Self.readAll(&stream) == "one end")
  }

  @Test func `a refusal comes as one`() throws {
    let rig = try StreamRig()
    #expect(throws: XSKError.self) { _ = try ControlStream(ControlClient(path: rig.server.path), "/nothing") }
  }

  @Test(arguments: [
    ("3\r\nabc\r\n0\r\n\r\n", "abc", true), ("A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", "0123456789x", true),
    ("3\r\nab", "ab", false), ("", "", false), ("0\r\n\r\n", "", true), ("0\r\n", "", false),
  ]) func `chunks are put together at any division`(text: String, body: String, isComplete: Bool) {
    let bytes = Array(text.utf8)
    for size in 1...max(1, bytes.count) {
      var chunks = HTTPChunks()
      var found: [UInt8]? = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        found = found.flatMap { old in chunks.add(bytes[start..<min(bytes.count, start + size)]).map { old + $0 } }
      }
      #expect(found.map { String(decoding: $0, as: UTF8.self) } == body && chunks.isComplete == isComplete)
    }
  }

  @Test(arguments: [
    "x\r\n", "-1\r\n", "+3\r\nabc\r\n", "3\nabc\n", "3\r\nabcd\r\n", "100000000\r\n", "0\r\nTrailer: x\r\n\r\n",
    "0\r\n\r\nmore", "00000000000000000000003\r\nabc\r\n", "\r\n",
  ]) func `what are no chunks is refused`(text: String) {
    var chunks = HTTPChunks()
    #expect(chunks.add(Array(text.utf8)[...]) == nil)
  }
}
