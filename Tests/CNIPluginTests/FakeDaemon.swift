import FoundationEssentials
import Glibc
import Synchronization
import TenantAPI

/// What answers in xskd's place: attaches in memory, remembers what it was asked, and fails as it is told to.
final class FakeDaemon: Sendable {
  enum Mood: Sendable {
    case well
    /// Refuses with this status and reason.
    case refusing(Int, String)
    /// Does it, and closes the connection without a word.
    case silent
    /// Says what no xskd would.
    case foreign
  }

  struct State: Sendable {
    var mood = Mood.well
    var tenants: [String: AttachedTenant] = [:]
    /// `PUT /v1/tenants/ID`, in order.
    var requests: [String] = []
    var attached: [String: AttachRequest] = [:]
    var capacity = 64
    var dataplane = "running"
    var queues: [QueuePoolStatus] = []
    var checkProblems: [String] = []
    var isOver = false
  }

  let directory: String
  let state = Mutex(State())
  var path: String { "\(directory)/xskd.sock" }

  init(in directory: String) {
    self.directory = directory
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array("\(directory)/xskd.sock".utf8)
    precondition(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
    // Safe: shorter than the field, as checked.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    // Safe: a sockaddr_un is passed with its size.
    let status = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    precondition(status == 0 && listen(listener, 64) == 0, "\(directory): no socket there")
    Thread.detach { [self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { break }
        let isOver = state.withLock { $0.isOver }
        if !isOver { serve(connection) }
        close(connection)
        if isOver { break }
      }
      close(listener)
    }
  }

  /// Ends it, and leaves the socket's file as a killed daemon does.
  func end() {
    state.withLock { $0.isOver = true }
    _ = try? DaemonClient(path: path, patience: 5).tenants()
  }

  var requests: [String] { state.withLock { $0.requests } }
  func attached(_ id: String) -> AttachRequest? { state.withLock { $0.attached[id] } }
  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

  private func serve(_ connection: CInt) {
    var input: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while Self.body(of: input) == nil {
      // Safe: at most the block's size is written into the block.
      let count = unsafe recv(connection, &block, block.count, 0)
      guard count > 0 else { return }
      input += block[..<count]
    }
    let line = String(decoding: input.prefix { $0 != 0x0d }, as: UTF8.self).split(separator: " ")
    let (method, path) = (String(line[0]), String(line[1]))
    let mood = state.withLock { state in
      state.requests.append("\(method) \(path)")
      return state.mood
    }
    var answer: (status: Int, body: [UInt8])
    switch mood {
    case .well: answer = perform(method, path, Self.body(of: input) ?? [])
    case .silent:
      _ = perform(method, path, Self.body(of: input) ?? [])
      return
    case .refusing(let status, let reason): answer = (status, Self.json(["error": reason]))
    case .foreign: answer = (200, Array("hello".utf8))
    }
    let head = "HTTP/1.1 \(answer.status) -\r\nContent-Length: \(answer.body.count)\r\n\r\n"
    let bytes = Array(head.utf8) + answer.body
    // Safe: the array is valid for its own length.
    _ = unsafe send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL))
  }

  private func perform(_ method: String, _ path: String, _ body: [UInt8]) -> (Int, [UInt8]) {
    let parts = path.split(separator: "/").map(String.init)
    return state.withLock { state in
      switch (method, parts.count) {
      case ("GET", 2) where parts[1] == "status":
        return (
          200,
          Self.json(
            NodeAvailability(
              slots: .init(used: state.tenants.count, capacity: state.capacity),
              dataplane: .init(state: state.dataplane), queues: state.queues))
        )
      case ("GET", 2): return (200, Self.json(TenantList(tenants: state.tenants.values.sorted { $0.id < $1.id })))
      case ("GET", 3):
        guard let tenant = state.tenants[parts[2]] else { return (404, Self.json(["error": "\(parts[2]): unknown"])) }
        return (200, Self.json(tenant))
      case ("GET", 4): return (200, Self.json(TenantCheck(problems: state.checkProblems)))
      case ("DELETE", _):
        state.tenants[parts[2]] = nil
        return (200, Array("{}".utf8))
      case ("PUT", _):
        guard let request = try? JSONDecoder().decode(AttachRequest.self, from: Data(body)) else {
          return (400, Self.json(["error": "not understood"]))
        }
        var tenant = AttachedTenant(
          id: parts[2], name: request.name, network: request.network, namespace: request.namespace,
          device: request.device, hostDevice: "xskt0123456789a", mac: request.mac ?? "02:00:00:00:00:01",
          hostMAC: "02:00:00:00:00:02", addresses: request.addresses, mtu: request.mtu ?? 1500, vlan: request.vlan,
          policy: request.policy ?? "default", socketPath: "\(directory)/tenants/\(parts[2])/afxdp.sock")
        if request.tier == "physical-queue" {
          tenant.physicalQueues = .init(device: "eth2", queues: [3], pciID: "0000:3b:02.1")
          (tenant.hostDevice, tenant.hostMAC, tenant.policy) = ("eth2", tenant.mac, "")
        }
        state.tenants[parts[2]] = tenant
        state.attached[parts[2]] = request
        return (200, Self.json(tenant))
      default: return (404, Self.json(["error": "no such path"]))
      }
    }
  }

  private static func json(_ value: some Encodable) -> [UInt8] { Array((try? JSONEncoder().encode(value)) ?? Data()) }

  /// nil: it isn't all there.
  private static func body(of input: [UInt8]) -> [UInt8]? {
    let separator = Array("\r\n\r\n".utf8)
    guard let end = input.indices.first(where: { input[$0...].starts(with: separator) }) else { return nil }
    let head = String(decoding: input[..<end], as: UTF8.self)
    let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }.flatMap {
      Int($0.dropFirst(16))
    }
    let body = Array(input[(end + 4)...])
    return body.count >= length ?? 0 ? body : nil
  }
}

/// A thread that nobody waits for.
enum Thread {
  static func detach(_ body: @escaping @Sendable () -> Void) {
    let box = Box(body)
    var thread = pthread_t()
    // Safe: the thread takes over the reference that it is given.
    let code = unsafe pthread_create(
      &thread, nil,
      { pointer in
        unsafe Unmanaged<Box>.fromOpaque(pointer!).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(box).toOpaque())
    precondition(code == 0)
    pthread_detach(thread)
  }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
