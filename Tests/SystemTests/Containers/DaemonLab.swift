import Foundation
import Glibc
import Operations
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// A node's namespace, directories of its own (a BPF file system among them), and containers: namespaces with no more in them
/// than their loopback device.
final class DaemonLab: Sendable {
  let directory: String
  let host: NetworkNamespace
  let places: NodePlaces
  private let janitor: LabJanitor

  init() throws {
    directory = "/tmp/xskd-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    // mkdir(2), mount(2): C strings for the calls. Mounted before the namespace is made, which has a copy of all mounts.
    for path in [directory, "\(directory)/bpf", "\(directory)/run"] { #expect(unsafe mkdir(path, 0o700) == 0) }
    janitor = try LabJanitor(directory)
    #expect(unsafe mount("bpf", "\(directory)/bpf", "bpf", 0, nil) == 0, "errno \(errno)")
    host = try NetworkNamespace("node")
    places = NodePlaces(runDirectory: "\(directory)/run", bpfDirectory: "\(directory)/bpf/tenants")
  }

  deinit {
    endDataplane()
    host.close()
    // Lazily: the namespace's own copy of the mount goes with its last thread.
    _ = unsafe umount2("\(directory)/bpf", CInt(MNT_DETACH))
    try? FileManager.default.removeItem(atPath: directory)
    janitor.dismiss()
  }

  /// The dataplane's process; nil: none answers.
  var dataplane: Int32? {
    (try? ControlClient(path: places.dataplaneControl).report("/v1/status", as: StatusReport.self))?.pid
  }

  /// Ends the dataplane that a daemon started: it outlives daemons, but not the lab.
  private func endDataplane() {
    // Only what is ours: a number may have been given to another.
    guard let pid = dataplane, let command = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8),
      command.contains(directory)
    else { return }
    Glibc.kill(pid, SIGKILL)
    _ = eventually { dataplane == nil }
  }

  /// A daemon's core, as at a start: state read, everything put right.
  func node(_ settings: NodeSettings = NodeSettings()) throws -> Node {
    let places = places
    return try host.run {
      let node = try Node(places: places, settings: settings)
      try node.reconcile()
      return node
    }
  }

  /// The path by which a daemon finds a container.
  static func path(of container: NetworkNamespace) -> String { "/proc/\(getpid())/fd/\(container.fd)" }

  static func request(_ container: NetworkNamespace, _ number: Int, device: String = "eth0") -> AttachRequest {
    AttachRequest(
      name: "test/\(number)", namespace: path(of: container), device: device,
      addresses: ["10.1.0.\(number)/32", "fd00::\(number)/128"])
  }

  func attach(_ node: Node, _ id: String, _ request: AttachRequest) throws -> Tenant {
    try host.run { try node.attach(id, request).tenant }
  }

  func detach(_ node: Node, _ id: String) throws { try host.run { try node.detach(id) } }

  /// Everything of tenants that there is: devices, pinned folders, sockets' directories.
  func leftovers() throws -> [String] {
    let devices = try host.links().map(\.name).filter { $0.hasPrefix("xskt") }
    let pins = (try? FileManager.default.contentsOfDirectory(atPath: places.bpfDirectory)) ?? []
    let sockets = (try? FileManager.default.contentsOfDirectory(atPath: places.tenantsDirectory)) ?? []
    return (devices + pins + sockets).sorted()
  }

  static var openDescriptors: Int {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
  }
}
