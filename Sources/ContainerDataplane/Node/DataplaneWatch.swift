import CXsk
import Glibc
import Operations
import Synchronization
import XSKEngine

/// Keeps a dataplane running: finds the one that a predecessor started, else starts one, and starts it again when it dies,
/// the sooner the longer it lived. Where a service manager does that, it only finds it. A thread of its own.
///
/// The dataplane isn't ended when this ends: tenants' traffic goes on.
public final class DataplaneWatch: Sendable {
  public enum Phase: String, Codable, Sendable {
    case starting, running, stopped
  }

  public struct Status: Codable, Hashable, Sendable {
    public var state = Phase.starting
    public var pid: Int32?
    /// How often it has died.
    public var restarts = 0
    /// What was wrong last.
    public var problem: String?
  }

  private struct State {
    var status = Status()
    var isStopping = false
    var hasEnded = true
    /// The state has changed, and the dataplane has not been told yet.
    var isReloadDue = false
  }

  private let command: DataplaneLaunch?
  private let client: ControlClient
  private let log: @Sendable (String) -> Void
  private let state = Mutex(State())
  private let bell: CInt = cxsk_bell_open()

  /// Seconds before it is started again, at first and at most.
  private static let patience = 0.1...10.0
  /// Seconds between two looks for one that somebody else starts: who is attached meanwhile waits for its packets to flow.
  private static let lookInterval = 0.5
  /// Whoever lived so many seconds is started again at once.
  private static let longLife = 30.0

  /// - Parameters:
  ///   - command: what starts it; nil: somebody else does.
  ///   - control: the path of its control socket.
  public init(_ command: DataplaneLaunch?, control: String, log: @escaping @Sendable (String) -> Void) {
    self.command = command
    self.log = log
    client = ControlClient(path: control)
  }

  deinit { if bell >= 0 { close(bell) } }

  public var status: Status { state.withLock { $0.status } }

  /// Where it is asked: its control socket.
  public var control: ControlClient { client }

  public func start() throws(XSKError) {
    state.withLock { $0.hasEnded = false }
    do throws(XSKError) {
      try SystemThread.start("xskd-dataplane") { [self] in
        watch()
        state.withLock { $0.hasEnded = true }
      }
    } catch {
      state.withLock { $0.hasEnded = true }
      throw error
    }
  }

  /// Ends the watch; the dataplane goes on.
  public func stop() {
    state.withLock { $0.isStopping = true }
    cxsk_bell_ring(bell)
    while !state.withLock({ $0.hasEnded }) { usleep(500) }
  }

  /// Has the dataplane read the state, soon.
  public func notify() {
    state.withLock { $0.isReloadDue = true }
    cxsk_bell_ring(bell)
  }

  /// Tenants as it has them.
  ///
  /// - Throws: if nothing runs that could answer.
  public func tenants() throws(XSKError) -> [FollowedTenant] {
    try client.report("/v1/tenants", as: [FollowedTenant].self)
  }

  /// Waits until a tenant's packets are taken; false: they aren't by that time (CLOCK_MONOTONIC seconds), or nothing runs that
  /// could.
  ///
  /// - Parameter generation: of the state that the tenant came with. By an earlier one it may be another's that had its name.
  public func awaitOpen(_ id: Tenant.ID, generation: UInt64, until end: Double) -> Bool {
    while status.state == .running, MonotonicTime.now < end {
      if let standing = try? client.report("/v1/tenants/\(id)", as: TenantStanding.self), standing.state == .open,
        standing.generation >= generation
      {
        return true
      }
      usleep(1000)
    }
    return false
  }

  private var isStopping: Bool { state.withLock { $0.isStopping } }

  private func watch() {
    var delay = Self.patience.lowerBound
    while !isStopping {
      let start = MonotonicTime.now
      do throws(XSKError) {
        let pid = try followNext()
        guard !isStopping else { return }
        delay = MonotonicTime.now - start > Self.longLife ? Self.patience.lowerBound : delay
        state.withLock { $0.status.restarts += 1 }
        fell(
          "the dataplane (process \(pid)) has ended; \(command == nil ? "looking" : "it is started again") in \(delay) s"
        )
      } catch {
        fell("\(error)")
      }
      rest(until: MonotonicTime.now + delay)
      delay = min(delay * 2, command == nil ? Self.lookInterval : Self.patience.upperBound)
    }
  }

  private func fell(_ problem: String) {
    let isNews = state.withLock { state in
      defer { (state.status.state, state.status.pid, state.status.problem) = (.stopped, nil, problem) }
      return state.status.problem != problem
    }
    if isNews { log(problem) }
  }

  /// Follows the one that there is, or a new one, to its end or ours.
  private func followNext() throws(XSKError) -> pid_t {
    if let process = found() {
      follow(process)
      return process.pid
    }
    guard let command else {
      throw XSKError(client.path, "no dataplane listens there", remedy: "start it: systemctl start xskd-dataplane")
    }
    let process = try DataplaneProcess.start(command)
    follow(process)
    return process.pid
  }

  /// The one that a predecessor of ours started.
  private func found() -> DataplaneProcess? {
    guard client.isAnswered, let status = try? client.report("/v1/status", as: StatusReport.self) else { return nil }
    return DataplaneProcess(running: status.pid)
  }

  /// Waits for its end, and tells it of changes meanwhile.
  private func follow(_ process: borrowing DataplaneProcess) {
    state.withLock { state in
      state.status.state = .starting
      state.status.pid = process.pid
      state.isReloadDue = true
    }
    while !isStopping {
      if process.hasEnded(within: status.state == .starting ? 10 : 1000, bell: bell) { return }
      cxsk_bell_silence(bell)
      if status.state == .starting, client.isAnswered {
        state.withLock { $0.status.state = .running }
        log("the dataplane runs: process \(process.pid)")
      }
      tell()
    }
  }

  /// Has it read state and configuration now.
  ///
  /// - Throws: why it does not take them. Nothing if none runs: it reads both when it starts.
  func reload() throws(XSKError) {
    guard status.state == .running else { return }
    guard let problem = try ask().problems.first else { return }
    throw XSKError("the dataplane refuses", problem, remedy: "what is in force stays")
  }

  private func ask() throws(XSKError) -> ReloadReport {
    var report = try client.report("/v1/reload", method: "POST", as: ReloadReport.self)
    let end = MonotonicTime.now + 5
    while report.state == .pending, MonotonicTime.now < end, !isStopping {
      usleep(1000)
      report = try client.report("/v1/reload?number=\(report.number)", as: ReloadReport.self)
    }
    return report
  }

  /// Tells it of a change, once it listens.
  private func tell() {
    let isDue = state.withLock { state in
      guard state.status.state == .running else { return false }
      defer { state.isReloadDue = false }
      return state.isReloadDue
    }
    guard isDue else { return }
    do throws(XSKError) {
      let problems = try ask().problems
      let isNews = state.withLock { state in
        defer { state.status.problem = problems.first }
        return state.status.problem != problems.first
      }
      if isNews { for problem in problems { log("the dataplane refuses: \(problem)") } }
    } catch {
      log("the dataplane does not take the new state: \(error)")
      state.withLock { $0.status.problem = "\(error)" }
    }
  }

  private func rest(until time: Double) {
    while !isStopping, MonotonicTime.now < time {
      var entry = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
      // Safe: one entry.
      _ = unsafe poll(&entry, 1, CInt((time - MonotonicTime.now) * 1000) + 1)
      cxsk_bell_silence(bell)
    }
  }
}
