import CXsk
import Glibc
import Synchronization
public import XSKEngine

/// What a tenant's processes get their AF_XDP sockets from: the XDP program on the container's end of its veth and its XSKMAP, or
/// queues of a physical device, and the socket `afxdp.sock` in a directory that is mounted into the container.
///
///     let endpoint = try TenantEndpoint(tenant, bpfDirectory: "/sys/fs/bpf/xskd", socketDirectory: "/run/xskd/tenants/\(tenant.id)")
///     try endpoint.serve()
///     …
///     endpoint.stop()     // the program stays, so do the tenant's sockets: traffic goes on
///     endpoint.remove()   // the attachment is over
///
/// Nothing of a tenant's sockets is kept here: they belong to the tenant's processes alone. What outlives this process is the
/// program and the map, pinned in `bpfDirectory`; an endpoint that is made again for the same tenant takes both up.
///
/// Thread-safe. A thread of its own serves each endpoint, inside the tenant's network namespace but for physical queues. While it
/// runs there the namespace lives; it ends by itself when `tenant.namespace` is not the namespace's path any more.
public final class TenantEndpoint: Sendable {
  /// The name of the socket in its directory.
  public static let socketName = "afxdp.sock"

  /// What happened at an endpoint since it was made.
  public struct Counts: Hashable, Sendable, Codable {
    /// Connections that were accepted.
    public var connections: UInt64 = 0
    /// Of them, from processes that are not the tenant's.
    public var refused: UInt64 = 0
    /// Sockets that were handed over.
    public var sockets: UInt64 = 0
    /// Requests for one that were not granted: over the quota, queue in use; and sockets that were handed over to be mapped, and
    /// whose processes did otherwise.
    public var denied: UInt64 = 0
    /// File descriptors of the XSKMAP that were handed over.
    public var maps: UInt64 = 0
    /// Messages that were none of the protocol.
    public var malformed: UInt64 = 0
    /// Times that its clients asked for more than its share, and were kept waiting.
    public var throttled: UInt64 = 0

    public init() {}
  }

  private struct State {
    var server: HandoverServer?
    var isRemoved = false
  }

  /// Where the socket is: the directory to mount into the container (read-only will do) and the path in it.
  public let socketDirectory: String
  public var socketPath: String { "\(socketDirectory)/\(Self.socketName)" }
  /// Program and map were there already, from an earlier process.
  public var isResumed: Bool { source.isResumed }
  /// How the program runs on the device.
  public var mode: XDPMode { source.mode }

  let source: SocketSource
  let limits: HandoverLimits
  let counters = HandoverCounters()
  private let current: CurrentTenant
  private let state: Mutex<State>
  private let log: HandoverLog

  /// Enters the tenant's network namespace, and attaches and pins the program there, or takes up what is pinned. Some
  /// milliseconds. Nobody is served yet.
  ///
  /// - Parameters:
  ///   - bpfDirectory: in a BPF file system; made if it is not there. Its path below the mount must have no dots.
  ///   - socketDirectory: made if it is not there (0755); its parents are the caller's, and should let nobody else in.
  ///   - limits: what the tenant's processes may ask of this process.
  ///   - log: takes one line about something that an operator may want to know; called on any thread, once a second at most
  ///     for long.
  /// - Throws: a namespace or device that is not there, a program that is refused, `bpfDirectory` in no BPF file system.
  ///   Then nothing is left behind.
  public convenience init(
    _ tenant: Tenant, bpfDirectory: String, socketDirectory: String, limits: HandoverLimits = HandoverLimits(),
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(XSKError) {
    let folder = Self.folder(of: tenant.id, in: bpfDirectory)
    let program = try TenantNamespace(path: tenant.namespace).run { () throws(XSKError) in
      try PinnedProgram.open(in: folder, device: try NetworkDevice(named: tenant.device, looksFar: false))
    }
    self.init(
      tenant, .interface(program, folder: folder), socketDirectory: socketDirectory, limits: limits, log: log)
  }

  /// Nothing is made, nobody is served yet.
  ///
  /// - Precondition: `serve` is called by threads of the namespace that `source` needs, if that isn't the container's.
  init(
    _ tenant: Tenant, _ source: SocketSource, socketDirectory: String, limits: HandoverLimits = HandoverLimits(),
    log: @escaping @Sendable (String) -> Void
  ) {
    self.source = source
    self.socketDirectory = socketDirectory
    self.limits = limits
    self.log = HandoverLog(log)
    current = CurrentTenant(tenant)
    state = Mutex(State())
  }

  deinit { stop() }

  /// The tenant as it is now.
  public var tenant: Tenant { current.value }

  /// What happened so far.
  public var counts: Counts { counters.values }

  /// Changes what the tenant may do (quota, user, cgroup) from its next request on. Its sockets stay.
  ///
  /// - Precondition: id, namespace and device are as before.
  public func update(_ tenant: Tenant) {
    let old = current.value
    precondition(old.id == tenant.id && old.namespace == tenant.namespace && old.device == tenant.device)
    current.value = tenant
  }

  /// Begins to listen on `afxdp.sock`. Does nothing if it does so already.
  ///
  /// - Throws: a namespace that is gone, or a socket that can't be made.
  public func serve() throws(XSKError) {
    try state.withLock { state throws(XSKError) in
      guard state.server == nil, !state.isRemoved else { return }
      let directory = try EndpointDirectory(socketDirectory)
      // Who asks for a socket is told what is wrong, if it still is then.
      _ = try? HandoverOrder.ofThisKernel()
      let server = HandoverServer(
        HandoverService(source: source, current: current, counters: counters, log: log), directory: directory,
        limits: limits)
      try server.start(in: TenantNamespace(path: current.value.namespace))
      state.server = server
    }
  }

  /// Ends the thread and removes `afxdp.sock`. Program and map stay, so the tenant's sockets go on as they are.
  public func stop() {
    let server = state.withLock { state in
      defer { state.server = nil }
      return state.server
    }
    server?.stop()
  }

  /// Ends the attachment: stops, takes the program off the device, and removes what was pinned and the socket's directory, if
  /// nothing else is in it. The namespace may be gone. Packets go to the container's kernel stack from then on; those of a physical
  /// device's queues to the host's.
  public func remove() {
    state.withLock { $0.isRemoved = true }
    stop()
    source.end(current.value)
    Self.removeSocket(socketDirectory)
  }

  // MARK: What other processes left

  /// The ids of tenants that something is pinned for, in order; empty if there is no such directory.
  public static func pinnedIDs(bpfDirectory: String) -> [String] {
    DirectoryListing.names(in: bpfDirectory).map(id(ofFolder:)).filter(TenantNames.isID).sorted()
  }

  /// Removes what an endpoint of an earlier process left, as `remove()` does. Nothing there is no error.
  public static func removeLeftovers(id: String, bpfDirectory: String, socketDirectory: String) {
    PinnedProgram.remove(in: folder(of: id, in: bpfDirectory))
    removeSocket(socketDirectory)
  }

  private static func removeSocket(_ socketDirectory: String) {
    unsafe unlink("\(socketDirectory)/\(socketName)")
    unsafe rmdir(socketDirectory)
  }

  /// BPF file systems take no names with dots (kernel/bpf/inode.c, bpf_lookup); ids have no `@`.
  static func folder(of id: String, in bpfDirectory: String) -> String {
    "\(bpfDirectory)/\(String(id.map { $0 == "." ? "@" : $0 }))"
  }

  static func id(ofFolder name: String) -> String { String(name.map { $0 == "@" ? "." : $0 }) }
}
