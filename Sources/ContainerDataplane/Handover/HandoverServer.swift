import CXsk
import Glibc
import Synchronization
import XSKEngine

/// The thread of an endpoint: in the network namespace where the tenant's sockets are bound, it accepts, reads one packet,
/// answers one packet.
///
/// Whatever its clients do, it takes no more than a bounded number of descriptors and connections, a bounded share of a CPU,
/// and never waits for a client: one that does not read is closed. It is the tenant's thread alone, so a flood of one keeps no
/// other waiting.
final class HandoverServer: Sendable {
  private enum Progress: Sendable {
    case idle, starting, running, ended
    case refused(XSKError)
  }

  private let service: HandoverService
  private let directory: EndpointDirectory
  private let limits: HandoverLimits
  private let progress = Mutex<Progress>(.idle)
  private let isStopping = Atomic<Bool>(false)
  private let bell: CInt = cxsk_bell_open()

  /// Capabilities that sockets in another namespace take: CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_SYS_PTRACE (to see a
  /// process's namespace), CAP_BPF. The thread reads what strangers write, and gives up the others.
  private static let capabilities: UInt64 = 1 << 12 | 1 << 13 | 1 << 14 | 1 << 19 | 1 << 39

  /// Seconds between two looks whether the namespace is still the tenant's.
  private static let lookSeconds = 2.0

  init(_ service: HandoverService, directory: EndpointDirectory, limits: HandoverLimits) {
    self.service = service
    self.directory = directory
    self.limits = limits
  }

  deinit { if bell >= 0 { close(bell) } }

  /// Starts the thread, and waits until it listens.
  func start(in namespace: TenantNamespace) throws(XSKError) {
    progress.withLock { $0 = .starting }
    do throws(XSKError) {
      try SystemThread.start("xsk-handover") { [self] in live(namespace) }
    } catch {
      progress.withLock { $0 = .ended }
      throw error
    }
    while true {
      switch progress.withLock({ $0 }) {
      case .running, .ended: return
      case .refused(let error): throw error
      case .idle, .starting: usleep(200)
      }
    }
  }

  /// Ends the thread and the connections, and removes the socket's name.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    if bell >= 0 { cxsk_bell_ring(bell) }
    while true {
      switch progress.withLock({ $0 }) {
      case .idle, .ended, .refused: return
      case .starting, .running: usleep(200)
      }
    }
  }

  private func live(_ namespace: TenantNamespace) {
    do throws(XSKError) {
      // Held, or entered: as long as one of them is so, no other namespace has its number.
      let door = try NamespaceDoor(namespace.path)
      let identity =
        service.source.isInContainer ? try namespace.enter() : try door.identity()
      let listener = try directory.listen()
      _ = cxsk_thread_keep_capabilities(Self.capabilities)
      progress.withLock { $0 = .running }
      serve(listener, namespace, identity)
      directory.removeSocket()
      close(listener)
      _ = consume door
      progress.withLock { $0 = .ended }
    } catch {
      progress.withLock { $0 = .refused(error) }
    }
  }

  private func serve(_ listener: CInt, _ namespace: TenantNamespace, _ identity: TenantNamespace.Identity) {
    var connections: [HandoverConnection] = []
    var budget = WorkBudget(limits, now: Self.now)
    var nextLook = 0.0
    defer { for connection in connections { connection.end(service, because: "the attachment is served no more") } }
    while !isStopping.load(ordering: .acquiring) {
      if Self.now >= nextLook {
        // The thread must not be what keeps a namespace alive that its runtime has given up.
        guard TenantNamespace.Identity(path: namespace.path) == identity else {
          return service.log.line("tenant \(service.current.value.id): its network namespace is gone")
        }
        nextLook = Self.now + Self.lookSeconds
      }
      let debt = budget.wait(now: Self.now)
      guard debt == 0 else {
        // They wait in the kernel, where what they sent is charged to them.
        service.counters.add(\.throttled)
        rest(seconds: min(debt, 0.05))
        continue
      }
      for connection in connections where connection.isDone || Self.now >= connection.deadline {
        connection.end(service, because: "its process did not say within \(Int(limits.mapSeconds)) s that it is mapped")
      }
      connections.removeAll { $0.isDone }
      service.unsettled.settle()
      let ready = wait(listener, connections)
      // Those that are there first: a crowd at the door does not push a served one out.
      for (index, connection) in connections.enumerated()
      where ready.contains(index + 1) && (connection.isMapping || !isMapping(connections)) {
        budget.spend(connection.serve(service, limits, now: Self.now))
      }
      if ready.contains(0) && !isMapping(connections) {
        budget.spend(1)
        if let connection = accept(listener, identity) {
          if connections.count >= limits.connections { connections.removeFirst() }
          connections.append(connection)
        }
      }
    }
  }

  /// Whether a socket is on its way to a process, or was and is not bound yet. Nobody else is listened to then: there is never
  /// more than one.
  private func isMapping(_ connections: [HandoverConnection]) -> Bool {
    service.unsettled.isThere || connections.contains { $0.isMapping }
  }

  private func accept(_ listener: CInt, _ identity: TenantNamespace.Identity) -> HandoverConnection? {
    let descriptor = cxsk_accept(listener)
    guard descriptor >= 0 else {
      // Too many descriptors in this process: others let go of theirs meanwhile.
      if descriptor != -EAGAIN { rest(seconds: 0.01) }
      return nil
    }
    let tenant = service.current.value
    service.counters.add(\.connections)
    // What a process may do it can't add to later: it is enough to look now.
    let peer = HandoverPeer.judge(
      descriptor, for: tenant, in: identity, guardsNamespace: !service.source.isInContainer)
    if let refusal = peer.refusal {
      service.counters.add(\.refused)
      service.log.line("tenant \(tenant.id): refused: \(refusal)")
    }
    if let danger = peer.danger { service.log.line("tenant \(tenant.id): no socket: \(danger)") }
    return HandoverConnection(
      descriptor, isRefused: peer.refusal != nil, danger: peer.danger,
      deadline: Self.now + (peer.refusal == nil ? limits.idleSeconds : 1))
  }

  /// Waits for the listener (place 0) and the connections (1…); answers the places of those that are ready.
  private func wait(_ listener: CInt, _ connections: [HandoverConnection]) -> Set<Int> {
    // poll(2) passes over negative ones.
    let isMapping = isMapping(connections)
    let heard = connections.map { isMapping && !$0.isMapping ? -1 : $0.descriptor }
    var entries = ([isMapping ? -1 : listener] + heard + [bell]).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    let next = connections.map(\.deadline).min() ?? .infinity
    let longest = service.unsettled.isThere ? 0.02 : Self.lookSeconds
    let milliseconds = min(longest * 1000, max(0, (next - Self.now) * 1000).rounded(.up))
    // Safe: the array has as many entries as it says.
    guard unsafe poll(&entries, nfds_t(entries.count), CInt(milliseconds)) > 0 else { return [] }
    return Set(entries.indices.filter { entries[$0].revents != 0 })
  }

  /// Sleeps, unless the thread is asked to end.
  private func rest(seconds: Double) {
    var entry = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
    // Safe: one entry.
    _ = unsafe poll(&entry, 1, CInt(max(1, (seconds * 1000).rounded(.up))))
  }

  /// CLOCK_MONOTONIC in seconds.
  static var now: Double { Double(TimestampClock.monotonicNanoseconds) / 1e9 }
}
