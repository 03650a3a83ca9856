import CXsk
import ContainerDataplane
import Foundation
import PacketSamples
import Testing
import XSKLab

@testable import XSKEngine

/// Containers' namespaces and a process that serves them, without a dataplane: the far end of each veth is a kernel stack.
///
///     node ── xskt0 ═ eth0 ── guest 0      10.1.0.1 ── 10.1.0.5
///      │
///      └──── xskt1 ═ eth0 ── guest 1      10.1.1.1 ── 10.1.1.5
///
/// The node has a BPF file system of its own, which goes with it.
struct TenantLab {
  /// Which kernel daemon and containers find.
  let kernel: LabKernel
  let node: NetworkNamespace
  let guests: [Guest]
  private let folder: ScratchFolder

  struct Guest {
    let namespace: NetworkNamespace
    var tenant: Tenant
    /// The attachment's socket.
    let path: String
    /// How it is made to find another kernel.
    let entrance: [String]
    var address: String { String(tenant.addresses[0].prefix { $0 != "/" }) }

    /// Starts a program as a container has it: another user, no capability, no locked memory.
    ///
    /// - Parameter entrance: a command that runs what follows it, before that.
    func start(_ command: [String], through entrance: [String] = []) throws -> ChildProcess {
      // setpriv(1) comes last: what it runs is looked for with its own capabilities.
      try namespace.start(
        entrance + self.entrance + [
          "prlimit", "--memlock=0:0", "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
          "--bounding-set=-all",
          "--inh-caps=-all", "--no-new-privs",
        ] + command)
    }

    /// Starts ContainerEcho and waits until it answers.
    func startEcho(sourceLocation: SourceLocation = #_sourceLocation) throws -> ChildProcess {
      let echo = try start([BuiltPrograms.containerEcho, path, "60"])
      try #require(
        echo.waitForOutput("answering on eth0"), "\(echo.output) \(echo.errors)",
        sourceLocation: sourceLocation)
      return echo
    }

    /// What is answered to a message with a descriptor: a memory file of 8 MiB, or something else (`xsk-test-tenants lend`).
    func lend(_ message: String, _ kind: String = "good") throws -> String {
      let result = try namespace.run([BuiltPrograms.testTenants, "lend", path, kind, message])
      return String(result.output.dropLast())
    }

    /// Starts a process that goes through steps (`xsk-test-tenants steps`).
    func start(steps: [String]) throws -> ChildProcess {
      try start([BuiltPrograms.testTenants, "steps", path] + steps)
    }

    /// What came of steps, a line each, at their end.
    func take(_ steps: [String]) throws -> [String] {
      let process = try start(steps: steps)
      _ = try process.wait()
      return process.output.split(separator: "\n").map(String.init)
    }

    /// What is answered to messages on one connection, `(closed)` at its end; a line each.
    func ask(_ messages: [String]) throws -> [String] {
      let result = try namespace.run([BuiltPrograms.testTenants, "ask", path] + messages)
      return result.output.split(separator: "\n").map(String.init)
    }
  }

  init(
    guests count: Int = 1, mtu: Int = 1500, queues: UInt32 = 1, quota: TenantQuota = TenantQuota(),
    kernel: LabKernel = .own
  ) throws {
    self.kernel = kernel
    let folder = try ScratchFolder()
    self.folder = folder
    let node = try NetworkNamespace("node")
    self.node = node
    guests = try (0..<count).map { number in
      let guest = try NetworkNamespace("guest \(number)")
      _ = try VethPair(
        VethEnd(
          "xskt\(number)", in: node, address: Self.mac(number, 1), addresses: ["10.1.\(number).1/24"],
          rxQueues: queues, txQueues: queues),
        VethEnd(
          "eth0", in: guest, address: Self.mac(number, 5), addresses: ["10.1.\(number).5/24"], rxQueues: queues,
          txQueues: queues), mtu: UInt32(mtu))
      return Self.guest(
        guest, device: "eth0", number: number, mtu: mtu, quota: quota, folder: folder, kernel)
    }
    try makeFolders()
  }

  /// One guest with two attachments, each to a stack of its own: whoever forwards between them joins left and right.
  ///
  ///     left ── l0 ═ eth0 ── guest ── eth1 ═ r0 ── right      10.1.9.1 ── 10.1.9.2
  init(between left: NetworkNamespace, _ right: NetworkNamespace, kernel: LabKernel = .own) throws {
    self.kernel = kernel
    let folder = try ScratchFolder()
    self.folder = folder
    node = try NetworkNamespace("node")
    let guest = try NetworkNamespace("guest")
    _ = try VethPair(
      VethEnd("l0", in: left, address: Self.mac(9, 1), addresses: ["10.1.9.1/24"]), VethEnd("eth0", in: guest))
    _ = try VethPair(
      VethEnd("r0", in: right, address: Self.mac(9, 2), addresses: ["10.1.9.2/24"]), VethEnd("eth1", in: guest))
    guests = ["eth0", "eth1"].enumerated().map { number, device in
      Self.guest(
        guest, device: device, number: number, mtu: 1500, quota: TenantQuota(), folder: folder, kernel)
    }
    try makeFolders()
  }

  private static func mac(_ number: Int, _ end: Int) -> LinkAddress {
    LinkAddress(number: 0x0200_0000_0000 | UInt64(number) << 8 | UInt64(end))
  }

  private static func guest(
    _ namespace: NetworkNamespace, device: String, number: Int, mtu: Int, quota: TenantQuota, folder: ScratchFolder,
    _ kernel: LabKernel
  ) -> Guest {
    // With a dot: BPF file systems have none in names.
    let id = "test.\(number)-\(device)"
    let tenant = Tenant(
      id: id, name: "guest \(number)", namespace: "/proc/\(getpid())/fd/\(namespace.fd)", device: device,
      hostDevice: "xskt\(number)", mac: "02:00:00:00:0\(number):05", hostMAC: "02:00:00:00:0\(number):01",
      addresses: ["10.1.\(number).5/32"], mtu: mtu, quota: quota, createdAt: "2026-01-01T00:00:00Z")
    return Guest(
      namespace: namespace, tenant: tenant, path: "\(folder.file("run"))/\(id)/\(TenantEndpoint.socketName)",
      entrance: kernel.entrance(folder.file(oldKernel)))
  }

  private static let oldKernel = "old-kernel.so"

  /// In the node's own mounts: they go with it.
  private func makeFolders() throws {
    try FileManager.default.createDirectory(atPath: folder.file("run"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder.file("bpf"), withIntermediateDirectories: true)
    // Where users can get to it, whoever built it wherever.
    if kernel != .own {
      try FileManager.default.copyItem(atPath: BuiltPrograms.oldKernel, toPath: folder.file(Self.oldKernel))
    }
    let result = try node.run(["mount", "-t", "bpf", "bpf", folder.file("bpf")])
    try #require(result.succeeded, "\(result.errors)")
  }

  // MARK: The process that serves

  /// Where endpoints pin, in the node's mounts.
  var bpfDirectory: String { folder.file("bpf") + "/xskd" }

  func socketDirectory(of guest: Guest) -> String { "\(folder.file("run"))/\(guest.tenant.id)" }

  /// Starts a process that serves all guests, and waits until it does.
  func serve(sourceLocation: SourceLocation = #_sourceLocation) throws -> TenantServer {
    let state = NodeState(generation: 1, tenants: guests.map(\.tenant))
    let file = try folder.write(try state.json(), to: "state.json")
    let child = try node.start(
      kernel.entrance + [BuiltPrograms.testTenants, "serve", file, bpfDirectory, folder.file("run")])
    try #require(
      child.waitForOutput("running\n"), "\(child.output) \(child.errors)",
      sourceLocation: sourceLocation)
    return TenantServer(process: child)
  }

  /// An endpoint in this process, made and served inside the node's mounts.
  func endpoint(_ number: Int = 0, _ change: (inout Tenant) -> Void = { _ in }) throws -> TenantEndpoint {
    var tenant = guests[number].tenant
    change(&tenant)
    let directory = socketDirectory(of: guests[number])
    return try node.run {
      let endpoint = try TenantEndpoint(tenant, bpfDirectory: bpfDirectory, socketDirectory: directory)
      try endpoint.serve()
      return endpoint
    }
  }

  /// What is pinned, as paths below the BPF directory.
  func pinned() throws -> [String] {
    let result = try node.run(["find", bpfDirectory, "-type", "f", "-printf", "%P\\n"])
    return result.output.split(separator: "\n").map(String.init).sorted()
  }

  /// The id of the program on a guest's device; nil: there is none.
  func program(of guest: Guest) throws -> UInt32? {
    try guest.namespace.run { try NetworkDevice(named: guest.tenant.device).program?.id }
  }

  /// Whether the node gets an answer from a guest.
  func isAnswering(_ guest: Guest, within limit: Duration = patience) throws -> Bool {
    try eventually(limit) {
      try Ping.run(from: node, to: guest.address, count: 1, timeout: .milliseconds(200)).isComplete
    }
  }
}

/// A process that serves tenants (`xsk-test-tenants serve`).
struct TenantServer {
  let process: ChildProcess

  struct Footprint: Hashable {
    let memoryKiB: Int
    let descriptors: Int
  }

  /// What it took each 50 ms.
  var footprints: [Footprint] {
    process.output.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 4, words[0] == "memory", let memory = Int(words[1]), let descriptors = Int(words[3]) else {
        return nil
      }
      return Footprint(memoryKiB: memory, descriptors: descriptors)
    }
  }

  /// What it takes from now on, once it has looked again.
  func footprint() -> Footprint? {
    let count = footprints.count
    _ = eventually { footprints.count > count + 1 }
    return footprints.last
  }

  /// Lines beginning with a word.
  func lines(_ word: String) -> [String] {
    process.output.split(separator: "\n").filter { $0.hasPrefix(word) }.map(String.init)
  }
}
