import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// podman with runc on a node of its own, its network made by xsk-cni: state, configuration and images in the node's directory.
final class PodLab {
  let node: DaemonLab
  private(set) var daemon: ChildProcess
  private let anchor: ChildProcess
  private let configuration: String
  private let options: [String]
  private var directory: String { node.directory }

  var client: DaemonClient { DaemonClient(path: node.places.socket) }

  /// - Parameters:
  ///   - configuration: the text of xskd's configuration.
  ///   - policies: each has a network `tenants-POLICY` with addresses of its own.
  ///   - prepare: makes what has to be there before the daemon.
  init(
    _ configuration: String = "version: 1\n", policies: [String] = ["default"], options: [String] = [],
    prepare: (DaemonLab) throws -> Void = { _ in }
  ) throws {
    node = try DaemonLab()
    try prepare(node)
    // The node's /sys shows its devices, and hides the control groups; below it is the machine's.
    anchor = try node.host.start(["unshare", "-m", "sh", "-c", "umount -l /sys; echo there; exec sleep 600"])
    try #require(anchor.waitForOutput("there"), "\(anchor.errors)")
    self.configuration = "\(node.directory)/xskd.yaml"
    self.options = options
    try Self.write(configuration, self.configuration)
    daemon = try Self.start(node, anchor, self.configuration, options)
    try makeRootFiles()
    try makeConfiguration(policies)
    try awaitDaemon()
  }

  deinit {
    _ = try? podman("rm", "--force", "--time", "0", "--all")
    _ = try? daemon.terminate(grace: .seconds(20))
    anchor.kill()
  }

  /// Runs podman to its end.
  @discardableResult
  func podman(_ arguments: String...) throws -> CommandResult { try podman(arguments) }

  func podman(_ arguments: [String]) throws -> CommandResult {
    let places = ["root", "runroot", "tmpdir"].map { "--\($0)=\(directory)/podman/\($0)" }
    return try run(
      ["env", "CONTAINERS_CONF=\(directory)/containers.conf", "podman", "--storage-driver=vfs"] + places + arguments)
  }

  /// Starts a container that has no capability at all.
  func start(
    _ name: String, policy: String = "default", _ more: [String] = [], command: [String] = ["/bin/sleep", "600"]
  ) throws -> AttachedTenant {
    let result = try podman(
      [
        "run", "--detach", "--name", name, "--network", "tenants-\(policy)", "--cap-drop", "all", "--security-opt",
        "no-new-privileges",
      ]
        + more + ["--rootfs", "\(directory)/rootfs"] + command)
    try #require(result.succeeded, "\(result)")
    return try #require(try client.tenants().first { $0.name.hasSuffix(name) })
  }

  /// What has to be mounted into a container for a program of this machine: its folder and its libraries'.
  func volumes(for program: String) throws -> [String] {
    let libraries = try run(["ldd", program]).output.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("/") }
    let folders = Set(
      (libraries.map(String.init) + [program]).map { URL(filePath: $0).deletingLastPathComponent().path })
    return folders.sorted().flatMap { ["--volume", "\($0):\($0):ro"] }
  }

  /// Runs something in a container.
  func inside(_ name: String, _ command: String...) throws -> CommandResult { try podman(["exec", name] + command) }

  /// Has the kernel in a container's namespace ping somebody: the container's own ping may not, without a capability.
  func ping(from tenant: AttachedTenant, _ address: String) throws -> CommandResult {
    try run(["nsenter", "--net=\(tenant.namespace)", "ping", "-c", "1", "-W", "2", address])
  }

  /// Runs something on the node.
  @discardableResult
  func run(_ command: [String]) throws -> CommandResult {
    try node.host.run(Self.prefix(anchor) + command, timeout: .seconds(60))
  }

  func killDaemon() { daemon.kill() }

  func startDaemon() throws {
    daemon = try Self.start(node, anchor, configuration, options)
    try awaitDaemon()
  }

  private func awaitDaemon() throws {
    let answers = eventually { !daemon.isRunning || (try? client.availability()) != nil }
    try #require(answers && daemon.isRunning, "\(daemon.errors)")
  }

  private static func prefix(_ anchor: ChildProcess) -> [String] { ["nsenter", "-t", "\(anchor.pid)", "-m", "--"] }

  private static func start(
    _ node: DaemonLab, _ anchor: ChildProcess, _ configuration: String, _ options: [String]
  ) throws -> ChildProcess {
    try node.host.start(
      prefix(anchor) + [BuiltPrograms.xskd, "serve", "--config", configuration] + ServeLab.directories(node) + options)
  }

  /// A root file system with nothing but a static busybox.
  private func makeRootFiles() throws {
    let root = "\(directory)/rootfs"
    for folder in ["bin", "proc", "sys", "dev", "etc", "tmp", "run/xsk"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(root)/bin/busybox")
    for name in ["sh", "ping", "ip", "cat", "grep", "sleep", "ls", "nc", "id"] {
      try FileManager.default.createSymbolicLink(atPath: "\(root)/bin/\(name)", withDestinationPath: "busybox")
    }
    try Self.write("root:x:0:0::/:/bin/sh\n", "\(root)/etc/passwd")
  }

  private func makeConfiguration(_ policies: [String]) throws {
    let plugins = URL(filePath: BuiltPrograms.xskCNI).deletingLastPathComponent().path
    try Self.write(
      """
      [containers]
      default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
      [engine]
      cgroup_manager = "cgroupfs"
      runtime = "runc"
      events_logger = "none"
      [network]
      network_backend = "cni"
      cni_plugin_dirs = ["\(plugins)", "/opt/cni/bin", "/usr/lib/cni"]
      network_config_dir = "\(directory)/net.d"
      """, "\(directory)/containers.conf")
    try FileManager.default.createDirectory(atPath: "\(directory)/net.d", withIntermediateDirectories: true)
    for (number, policy) in policies.enumerated() {
      try Self.write(
        """
        {"cniVersion": "1.0.0", "name": "tenants-\(policy)", "plugins": [{
          "type": "xsk-cni", "socket": "\(node.places.socket)", "policy": "\(policy)",
          "ipam": {"type": "host-local", "dataDir": "\(directory)/ipam",
                   "ranges": [[{"subnet": "10.88.\(number).0/24"}], [{"subnet": "fd88:\(number)::/64"}]]},
          "capabilities": {"mac": true, "ips": true}
        }]}
        """, "\(directory)/net.d/\(policy).conflist")
    }
  }

  private static func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }
}
