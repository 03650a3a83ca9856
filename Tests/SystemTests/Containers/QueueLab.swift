import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// A node with a device of four queues for its containers, which a veth plays, and what is at the other end of its cable:
///
///     far ── f0 ═ eth2 ── node (xskd serve)        what is sent by queue n of f0 comes in by queue n of eth2
final class QueueLab {
  let far: NetworkNamespace
  let serve: ServeLab
  private var containers: [NetworkNamespace] = []
  static let mac: LinkAddress = "02:00:00:00:02:01"
  static let farMAC: LinkAddress = "02:00:00:00:02:02"
  static let configuration = "version: 1\nqueues: {fast: {device: eth2, queues: [2, 3]}}\n"

  /// - Parameters:
  ///   - options: of `xskd serve`; by default no dataplane is started.
  ///   - kernel: what the daemon finds.
  ///   - hasDevice: the device is there from the beginning.
  ///   - prepare: does something in the node's namespace before the daemon is started.
  init(
    _ configuration: String = QueueLab.configuration, options: [String] = ["--dataplane", "external"],
    hasDevice: Bool = true, kernel: LabKernel = .own, prepare: () throws -> Void = {}
  ) throws {
    let far = try NetworkNamespace("far")
    self.far = far
    serve = try ServeLab(configuration, options: options, kernel: kernel) { node in
      if hasDevice { try Self.connect(node.host, far) }
      try node.host.run(prepare)
    }
    // Tenants' processes are other users.
    let paths = [serve.node.directory, serve.node.places.runDirectory]
    for path in paths { #expect(unsafe chmod(path, 0o711) == 0) }
  }

  private static func connect(_ node: NetworkNamespace, _ far: NetworkNamespace) throws {
    _ = try VethPair(
      VethEnd("f0", in: far, address: farMAC, rxQueues: 4, txQueues: 4),
      VethEnd("eth2", in: node, address: mac, rxQueues: 4, txQueues: 4))
  }

  /// Makes the device.
  func connect() throws { try Self.connect(host, far) }

  var host: NetworkNamespace { serve.node.host }
  var client: DaemonClient { serve.client }

  static func request(_ container: NetworkNamespace, _ change: (inout AttachRequest) -> Void = { _ in })
    -> AttachRequest
  {
    var request = AttachRequest(
      name: container.name, namespace: DaemonLab.path(of: container), device: "net1", addresses: [])
    request.tier = "physical-queue"
    change(&request)
    return request
  }

  /// A container that has queues.
  struct Guest {
    let namespace: NetworkNamespace
    let tenant: AttachedTenant
    var path: String { tenant.socketPath }
    var queues: [Int] { tenant.physicalQueues?.queues ?? [] }

    /// Starts a program as another user without any capability and without locked memory.
    func start(_ command: [String]) throws -> ChildProcess { try namespace.start(Self.unprivileged + command) }

    static let unprivileged = [
      "prlimit", "--memlock=0:0", "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--bounding-set=-all",
      "--inh-caps=-all", "--no-new-privs",
    ]

    /// `xskfwd`, when it runs.
    func startEngine(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ChildProcess {
      let run = try start([BuiltPrograms.xskfwd, command, "--attach", path])
      try #require(
        run.waitForOutput("running"), "\(run.output) \(run.errors)",
        sourceLocation: sourceLocation)
      return run
    }

    /// What is answered to `/xsk_socket` by way of some commands before it.
    func lend(_ message: String = "/xsk_socket", through entrance: [String] = unprivileged) throws -> String {
      let result = try namespace.run(entrance + [BuiltPrograms.testTenants, "lend", path, "good", message])
      return String(result.output.dropLast())
    }

    func ask(_ messages: String...) throws -> [String] {
      let result = try namespace.run([BuiltPrograms.testTenants, "ask", path] + messages)
      return result.output.split(separator: "\n").map(String.init)
    }
  }

  func attach(_ id: String, _ change: (inout AttachRequest) -> Void = { _ in }) throws -> Guest {
    let namespace = try NetworkNamespace(id)
    containers.append(namespace)
    return Guest(namespace: namespace, tenant: try client.attach(id, Self.request(namespace, change)))
  }

  /// What is refused, and with which status.
  func refusal(_ id: String, _ change: (inout AttachRequest) -> Void = { _ in }) throws -> (
    status: Int, reason: String
  )? {
    let namespace = try NetworkNamespace(id)
    containers.append(namespace)
    do throws(DaemonError) {
      _ = try client.attach(id, Self.request(namespace, change))
      return nil
    } catch {
      guard case .refused(let status, let reason) = error else { return (0, "\(error)") }
      return (status, reason)
    }
  }

  /// Sends frames in by a queue of the device.
  func send(_ frames: [[UInt8]], queue: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let sender = try RawEnd(in: far, "f0", queue: queue)
    #expect(sender.send(frames), sourceLocation: sourceLocation)
  }

  /// The id of the XDP program on the device.
  var program: UInt32? {
    get throws { try host.run { try NetworkDevice(named: "eth2").program?.id } }
  }

  /// What is pinned for devices.
  var pinned: [String] {
    let folder = "\(serve.node.places.bpfDirectory)/_queues"
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  func write(_ configuration: String) throws {
    try Data(configuration.utf8).write(to: URL(filePath: serve.configuration))
  }

  /// Ends an engine and answers what it says at its end.
  static func end(_ run: ChildProcess, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    run.signal(SIGINT)
    #expect(try run.wait() == .exited(0), "\(run.errors)", sourceLocation: sourceLocation)
    #expect(
      run.output.contains("every packet and every frame is accounted for"), "\(run.output)",
      sourceLocation: sourceLocation)
    return run.output
  }
}
