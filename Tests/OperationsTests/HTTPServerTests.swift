import CXsk
import Foundation
import Glibc
import LocalHTTP
import Synchronization
import Testing
import XSKEngine
import XSKLab

@testable import Operations

/// A server on a UNIX socket in a directory of its own.
final class ServerRig {
  let directory: String
  let path: String
  let server: HTTPServer

  init(
    _ limits: HTTPLimits = HTTPLimits(), answer: @escaping HTTPRouter.Handler = { _ in .json(["a": 1]) },
    method: String = "GET"
  ) throws {
    directory = try temporaryDirectory()
    path = directory + "/s.control"
    var router = HTTPRouter()
    router.add(method, "/a", "an answer", handler: answer)
    router.add("POST", "/b", "its body") { .json(["bytes": $0.body.count]) }
    server = HTTPServer([.init(socket: try .unix(path), router: router)], limits: limits)
    try server.start {}
  }

  deinit {
    server.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  func connect(milliseconds: CInt = 5000) throws -> RawClient { try RawClient(path, milliseconds: milliseconds) }

  func ask(_ text: String) throws -> (status: Int, body: String) {
    let client = try connect()
    client.send(text)
    let (status, body) = try #require(LocalRequest.parse(client.readAll()))
    return (status, String(decoding: body, as: UTF8.self))
  }
}

/// A client that says whatever a test wants.
final class RawClient {
  let descriptor: CInt

  init(_ path: String, milliseconds: CInt = 5000) throws {
    descriptor = unsafe cxsk_unix_connect(path, path.utf8.count, milliseconds)
    try #require(descriptor >= 0, "\(errorName(descriptor))")
  }

  deinit { close(descriptor) }

  /// Bytes that were taken.
  @discardableResult func send(_ text: String) -> Int {
    // Safe: the text's own bytes.
    unsafe Glibc.send(descriptor, text, text.utf8.count, CInt(MSG_NOSIGNAL))
  }

  /// Up to the end; what was read when the connection broke or nothing came in time.
  func readAll() -> [UInt8] {
    var all: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      // Safe: at most the block's size is written.
      let count = unsafe recv(descriptor, &block, block.count, 0)
      guard count > 0 else { return all }
      all += block[..<count]
    }
  }
}

func temporaryDirectory() throws -> String {
  let path = "/tmp/xsk-operations-\(getpid())-\(UInt32.random(in: .min ... .max))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  return path
}

@Suite("A server and its peers") struct HTTPServerTests {
  @Test func `requests are answered by path and method`() throws {
    let rig = try ServerRig()
    #expect(try rig.ask("GET /a HTTP/1.1\r\n\r\n") == (200, "{\"a\":1}\n"))
    #expect(try rig.ask("POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello") == (200, "{\"bytes\":5}\n"))
    #expect(try rig.ask("GET /c HTTP/1.1\r\n\r\n").status == 404)
    #expect(try rig.ask("POST /a HTTP/1.1\r\n\r\n").status == 405)
    #expect(try rig.ask("GET / HTTP/1.1\r\n\r\n").body == "GET /a: an answer\nPOST /b: its body\n")
    #expect(try ControlClient(path: rig.path).request("/a") == Array("{\"a\":1}\n".utf8))
  }

  @Test func `garbage and huge requests are refused, and the answer arrives although more was sent`() throws {
    let rig = try ServerRig()
    #expect(try rig.ask("\u{16}\u{3}\u{1}garbage\r\n\r\n").status == 400)
    #expect(try rig.ask("GET /a HTTP/1.1\r\nX: " + String(repeating: "x", count: 200_000)).status == 431)
    #expect(
      try rig.ask("POST /b HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + String(repeating: "x", count: 9000)).status
        == 413)
    #expect(try rig.ask("GET /a HTTP/1.1\r\n\r\n").status == 200)
  }

  @Test func `a peer that never finishes its request is cut off when its time is over`() throws {
    let rig = try ServerRig(HTTPLimits(seconds: 0.2))
    let slow = try rig.connect()
    slow.send("GET /a HT")
    #expect(slow.readAll().isEmpty)
    // Not by the reader's own patience: the connection ended.
    #expect(slow.send("TP/1.1\r\n\r\n") < 0)
    #expect(try rig.ask("GET /a HTTP/1.1\r\n\r\n").status == 200)
  }

  @Test func `a peer that does not read its answer is cut off, and keeps nobody waiting`() throws {
    let body = String(repeating: "x", count: 8 << 20)
    let rig = try ServerRig(HTTPLimits(seconds: 0.2)) { $0.query["big"] == nil ? .json([1]) : .json(body) }
    let slow = try rig.connect()
    slow.send("GET /a?big HTTP/1.1\r\n\r\n")
    #expect(try rig.ask("GET /a HTTP/1.1\r\n\r\n").status == 200)
    #expect(eventually { slow.send("x") < 0 })
    #expect(slow.readAll().count < body.count)
  }

  @Test func `of thousands of connections a bounded number is kept, and a request still gets through`() throws {
    let rig = try ServerRig(HTTPLimits(connections: 8, seconds: 60))
    let before = try openDescriptors()
    var crowd: [RawClient] = []
    for number in 0..<2000 {
      let client = try rig.connect()
      client.send("GET /a HTTP/1.1\r\n")
      if number >= 1900 { crowd.append(client) }
    }
    #expect(try rig.ask("GET /a HTTP/1.1\r\n\r\n").status == 200)
    #expect(try eventually { try openDescriptors() <= before + crowd.count + 8 })
  }

  private func openDescriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  }
}

@Suite("A control socket's file") final class ListeningSocketTests {
  let directory: String
  var path: String { directory + "/x.control" }

  init() throws { directory = try temporaryDirectory() }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  private func mode() -> mode_t? {
    var status = stat()
    return unsafe lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  private func leaveStaleSocket() {
    let dead = unsafe cxsk_unix_listen(path, path.utf8.count, 0o600)
    close(dead)
  }

  @Test func `it is its owner's only, and goes when it is closed`() throws {
    let socket = try ListeningSocket.unix(path)
    #expect(mode() == 0o600)
    socket.close()
    #expect(mode() == nil)
  }

  @Test func `a dead process's is taken over, a live one's is not`() throws {
    leaveStaleSocket()
    #expect(mode() == 0o600)
    let socket = try ListeningSocket.unix(path)
    let error = #expect(throws: XSKError.self) { try ListeningSocket.unix(path) }
    #expect(error?.problem == "another process listens there")
    #expect(ControlClient(path: path).isAnswered)
    socket.close()
  }

  @Test func `of many that start at once over a stale one, one gets it`() throws {
    leaveStaleSocket()
    let got = Mutex<[ListeningSocket]>([])
    let path = path
    DispatchQueue.concurrentPerform(iterations: 16) { _ in
      if let socket = try? ListeningSocket.unix(path) { got.withLock { $0.append(socket) } }
    }
    #expect(got.withLock { $0.count } == 1)
    #expect(ControlClient(path: path).isAnswered)
  }

  @Test func `what is no socket, or not there, or too long, is refused and left alone`() throws {
    #expect(FileManager.default.createFile(atPath: path, contents: Data("mine".utf8)))
    #expect(throws: XSKError.self) { try ListeningSocket.unix(path) }
    #expect(FileManager.default.contents(atPath: path) == Data("mine".utf8))
    let missing = #expect(throws: XSKError.self) { try ListeningSocket.unix("/nowhere/x") }
    #expect(missing?.code == ENOENT)
    let long = #expect(throws: XSKError.self) { try ListeningSocket.unix("/tmp/" + String(repeating: "x", count: 104)) }
    #expect(long?.code == ENAMETOOLONG)
  }

  @Test func `a file that is another's by now is not removed`() throws {
    let socket = try ListeningSocket.unix(path)
    unsafe unlink(path)
    let other = try ListeningSocket.unix(path)
    socket.close()
    #expect(mode() == 0o600)
    other.close()
    #expect(mode() == nil)
  }

  @Test func `a client says what is wrong`() throws {
    let nobody = #expect(throws: XSKError.self) { try ControlClient(path: path).request("/v1/status") }
    #expect(nobody?.problem == "no xskfwd listens there")
    leaveStaleSocket()
    let dead = #expect(throws: XSKError.self) { try ControlClient(path: path).request("/v1/status") }
    #expect(dead?.problem == "no xskfwd listens there")
  }
}
