import CXsk
import Glibc
import XSKEngine

/// Who is at the other end of a connection: whether it is one of the tenant's processes.
///
/// What counts is what the kernel says (SO_PEERCRED), as it was when the process connected. The network namespace must be the
/// tenant's, and user and cgroup what the tenant says, if it says any.
struct HandoverPeer {
  let process: pid_t
  let user: uid_t

  /// What is made of a peer.
  struct Judgement {
    /// Why it is not served; nil: it is.
    var refusal: String?
    /// Why it can be given no socket of this thread's network namespace; nil: it can, or nobody asked.
    var danger: String?
  }

  /// - Parameter guardsNamespace: looks at what power the process may have over this thread's network namespace, too.
  static func judge(
    _ connection: CInt, for tenant: Tenant, in namespace: TenantNamespace.Identity, guardsNamespace: Bool
  ) -> Judgement {
    var process: pid_t = 0
    var user: uid_t = 0
    // Safe: both are written by the call.
    guard unsafe cxsk_peer_process(connection, &process, &user) == 0 else {
      return Judgement(refusal: "unknown process")
    }
    guard process > 0 else { return Judgement(refusal: "a process that this one's PID namespace does not have") }
    let peer = HandoverPeer(process: process, user: user)
    // As long as this lives, the number stands for the same process. Kernels before 6.5 have none.
    let pidfd = cxsk_peer_pidfd(connection)
    defer { if pidfd >= 0 { close(pidfd) } }
    if let reason = peer.refusal(for: tenant, in: namespace) {
      return Judgement(refusal: "process \(process) \(reason)")
    }
    let danger = guardsNamespace ? peer.danger : nil
    if pidfd >= 0 && cxsk_pidfd_lives(pidfd) == 0 { return Judgement(refusal: "process \(process) has ended") }
    return Judgement(danger: danger.map { "process \(process) \($0)" })
  }

  private func refusal(for tenant: Tenant, in namespace: TenantNamespace.Identity) -> String? {
    guard let its = TenantNamespace.Identity(path: "/proc/\(process)/ns/net") else { return "can't be looked at" }
    guard its == namespace else { return "is in another network namespace" }
    if let wanted = tenant.uid, wanted != user { return "is of user \(user), not \(wanted)" }
    if let wanted = tenant.cgroup, !Self.isIn(wanted, cgroups) { return "is not in cgroup \(wanted)" }
    return nil
  }

  /// The paths of the process's cgroups, one a hierarchy.
  private var cgroups: [Substring] { Self.paths(Self.read("/proc/\(process)/cgroup")) }

  /// Paths of lines NUMBER:CONTROLLERS:PATH (cgroups(7)).
  static func paths(_ text: String) -> [Substring] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      return parts.count == 3 ? parts[2] : nil
    }
  }

  /// Whether a cgroup, or one above it, is the wanted one.
  static func isIn(_ wanted: String, _ paths: [Substring]) -> Bool {
    paths.contains { $0 == wanted || $0.hasPrefix(wanted.hasSuffix("/") ? wanted : wanted + "/") }
  }

  static func read(_ path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    // Safe: at most the buffer's bytes are written.
    let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}
