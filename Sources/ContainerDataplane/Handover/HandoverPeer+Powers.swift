import Glibc

/// A socket that is bound to a device of this process's namespace belongs to that namespace, whoever holds it. By it a process
/// with CAP_NET_ADMIN in the user namespace that owns the network namespace could change what is there: bridges and VLANs
/// (SIOCBRADDBR, SIOCSIFVLAN; net/socket.c, sock_ioctl), options of sockets, and SIOCGSKNS opens the namespace itself. A
/// process that has that power, or could come to it, gets no such socket.
///
/// What counts is what the kernel says of the process that connected, of each of its threads: they share their descriptors, but
/// each has capabilities of its own. A process can't gain the power later: exec(2) gives it nothing beyond its bounding set, which
/// only shrinks, and in a user namespace that it makes it has no power over ours. Threads come and go while they are looked at,
/// and descriptors can be passed on: what holds for good is a container whose bounding set lacks the capability.
extension HandoverPeer {
  /// Why it must have no socket of the calling thread's network namespace; nil: it may.
  var danger: String? {
    guard let canAdministrate = Self.canAdministrate(threads: "/proc/\(process)/task") else {
      return "can't be looked at"
    }
    guard canAdministrate, !UserNamespace.isBelowOurs(process) else { return nil }
    return "may have CAP_NET_ADMIN, and so power over the host: drop it"
  }

  /// Whether one of a process's threads has the power, or can come to it; nil: that can't be told.
  ///
  /// - Parameter directory: has a directory for each thread, with its `status` in it.
  static func canAdministrate(threads directory: String) -> Bool? {
    var isSeen = false
    for thread in DirectoryListing.names(in: directory) {
      let path = "\(directory)/\(thread)/status"
      guard let powers = ProcessPowers(read(path)) else {
        // One that has ended has nothing any more. Safe: the path is a C string for the call.
        if unsafe access(path, F_OK) != 0 && errno == ENOENT { continue }
        return nil
      }
      if powers.canAdministrate { return true }
      isSeen = true
    }
    return isSeen ? false : nil
  }
}

/// What a thread may do, and could come to do by starting another program.
struct ProcessPowers: Hashable {
  /// CAP_NET_ADMIN, capability 12.
  private static let netAdmin: UInt64 = 1 << 12

  private let held: UInt64
  private let bounding: UInt64
  private let gainsNone: Bool

  /// - Parameter status: the text of /proc/PID/task/TID/status (proc(5)); nil if it lacks a line.
  init?(_ status: String) {
    var values: [Substring: Substring] = [:]
    for line in status.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1].drop { $0 == "\t" || $0 == " " } }
    }
    func set(_ name: Substring) -> UInt64? { values[name].flatMap { UInt64($0, radix: 16) } }
    // Inheritable ones become permitted by a program's file, ambient ones by any program.
    guard let permitted = set("CapPrm"), let effective = set("CapEff"), let inheritable = set("CapInh"),
      let bounding = set("CapBnd")
    else { return nil }
    held = permitted | effective | inheritable | (set("CapAmb") ?? 0)
    self.bounding = bounding
    gainsNone = values["NoNewPrivs"] == "1"
  }

  var canAdministrate: Bool { held & Self.netAdmin != 0 || !gainsNone && bounding & Self.netAdmin != 0 }
}

/// User namespaces, as far as they have power over the network namespace of the calling thread.
private enum UserNamespace {
  /// User namespaces are nested 32 deep at most (user_namespaces(7)).
  private static let mostLevels = 33

  /// Whether a process is in a user namespace below the one that owns our network namespace: there it has no power over it.
  static func isBelowOurs(_ process: pid_t) -> Bool {
    // NS_GET_USERNS and NS_GET_PARENT (linux/nsfs.h), which aren't imported.
    guard let ours = opened("/proc/thread-self/ns/net"), let owner = related(ours, 0xb701)?.identity,
      var current = opened("/proc/\(process)/ns/user")
    else { return false }
    for _ in 0..<mostLevels {
      // EPERM above our own: nothing below us goes on there.
      guard let parent = related(current, 0xb702) else { return false }
      if parent.identity == owner { return true }
      current = parent
    }
    return false
  }

  private final class Handle {
    let descriptor: CInt
    init(_ descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }
    var identity: TenantNamespace.Identity? { TenantNamespace.Identity(descriptor: descriptor) }
  }

  private static func opened(_ path: String) -> Handle? {
    // Safe: the path is a C string for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    return descriptor < 0 ? nil : Handle(descriptor)
  }

  private static func related(_ handle: Handle, _ request: UInt) -> Handle? {
    let descriptor = ioctl(handle.descriptor, request)
    return descriptor < 0 ? nil : Handle(descriptor)
  }
}
