import CXsk
import Glibc
import Synchronization

/// The verdicts that userspace has the XDP programs of an engine carry out, each for a limited time.
///
///     let table = engine.verdicts
///     table?.install(.source(attacker, port: 0), .drop(.policy), lifetime: .seconds(10))
///
/// For the control plane: each call is a system call or more. A worker asks through its `OffloadRequests`.
///
/// A verdict that is installed again before its time is over is renewed. What is over, removed, or of another generation
/// leaves its packets to the socket, as if it had never been. Only this object writes the kernel's tables, and it keeps to
/// two rules, so that a program never takes one key's verdict for another's: an entry is changed in place only in its time;
/// and an entry that was removed is not used for another key before all programs that may have found it have ended.
public final class VerdictTable: Sendable {
  /// What became of a request.
  public enum Outcome: Hashable, Sendable {
    case installed
    /// It was there; its time begins anew.
    case renewed
    /// As many are there as the configuration allows.
    case full
    /// The egress port takes no redirected packets now; the engine's messages say why.
    case noEgress
    /// No packet can have that key, the configuration allows none of its kind, or its lifetime is not above 0.
    case unsupported
    /// It was decided in another generation.
    case stale
    /// The kernel refused it, with this errno.
    case refused(CInt)
  }

  public struct Entry: Hashable, Sendable {
    public let key: VerdictKey
    public let verdict: OffloadedVerdict
    /// CLOCK_MONOTONIC nanoseconds.
    public let expires: UInt64
  }

  /// What `install` came to, ever.
  public struct Tally: Hashable, Sendable, Codable {
    public var installed: UInt64 = 0
    public var renewed: UInt64 = 0
    /// Refused for want of room.
    public var full: UInt64 = 0
    /// Refused for any other reason.
    public var refused: UInt64 = 0

    public init() {}
  }

  private struct State {
    var entries: [VerdictKey: Entry] = [:]
    /// How many of them are flows.
    var flows = 0
    var generation: UInt32 = 0
    /// What the kernel's table of them says.
    var written = xsk_verdict_state(generation: 0, present: 0)
    /// Something was removed since programs were last waited for.
    var needsFence = false
    /// Longest frame of each egress port that takes packets, in bytes with the Ethernet header.
    var egress: [UInt8: Int] = [:]
    var tally = Tally()
    /// When expired entries were last cleared away: CLOCK_MONOTONIC nanoseconds.
    var swept: UInt64 = 0
  }

  private let tables: PolicyTables
  private let configuration: OffloadConfiguration
  private let state = Mutex(State())

  init(_ tables: PolicyTables, _ configuration: OffloadConfiguration) {
    self.tables = tables
    self.configuration = configuration
  }

  /// Verdicts that there may be at one time.
  public var capacity: (flows: Int, sources: Int) { (configuration.flows, configuration.sources) }

  /// Verdicts that there are, with those that are over and were not cleared away yet.
  public var used: (flows: Int, sources: Int) {
    state.withLock { ($0.flows, $0.entries.count - $0.flows) }
  }

  public var tally: Tally { state.withLock { $0.tally } }

  /// The generation that verdicts are installed in now: changed by `removeAll`.
  public var generation: UInt32 { state.withLock { $0.generation } }

  /// Up to `limit` of the verdicts that hold now, in no order.
  public func entries(limit: Int = .max) -> [Entry] {
    let now = TimestampClock.monotonicNanoseconds
    return state.withLock { Array($0.entries.values.lazy.filter { $0.expires > now }.prefix(max(0, limit))) }
  }

  /// Installs a verdict, or renews it.
  ///
  /// - Parameters:
  ///   - lifetime: above 0; the kernel tells time in its ticks of 1 to 10 ms.
  ///   - decidedIn: the generation of the rules that it follows from; nil: the present one's.
  @discardableResult public func install(
    _ key: VerdictKey, _ verdict: OffloadedVerdict, lifetime: Duration, decidedIn generation: UInt32? = nil
  ) -> Outcome {
    state.withLock { install(key, verdict, lifetime, generation, &$0) }
  }

  /// Installs many at once, at the price of one wait where removed entries' places are used again.
  public func install(
    _ batch: some Sequence<(key: VerdictKey, verdict: OffloadedVerdict)>, lifetime: Duration,
    decidedIn generation: UInt32? = nil
  ) -> [Outcome] {
    state.withLock { state in
      batch.map { install($0.key, $0.verdict, lifetime, generation, &state) }
    }
  }

  /// Takes a verdict back. Packets that a program is looking at may still be judged by it.
  ///
  /// - Returns: whether there was one.
  @discardableResult public func remove(_ key: VerdictKey) -> Bool {
    state.withLock { remove(key, &$0) }
  }

  /// Takes all verdicts back, at once, and waits until no packet is judged by one any more: a reload begins with this. What
  /// was decided before and is asked for later is refused as stale.
  ///
  /// - Returns: the new generation.
  @discardableResult public func removeAll() -> UInt32 {
    state.withLock { state in
      state.generation &+= 1
      let keys = Array(state.entries.keys)
      state.entries.removeAll(keepingCapacity: true)
      state.flows = 0
      writeState(&state)
      for key in keys { removeFromKernel(key) }
      state.needsFence = tables.waitForPrograms() != 0
      return state.generation
    }
  }

  /// A request that nobody looked at, because the table was full a moment ago.
  func refuseUnseen() { state.withLock { $0.tally.full += 1 } }

  /// Clears away what is over, to make room.
  func sweep() { state.withLock { sweep(&$0) } }

  /// Says which device redirected packets leave a port by; nil: none takes them. In the devices' namespace.
  ///
  /// - Parameter longest: bytes of the longest frame that it takes, with the Ethernet header.
  /// - Returns: 0, or a negative errno.
  func setEgress(_ port: UInt8, ifindex: CInt?, longest: Int) -> CInt {
    state.withLock { state in
      guard let ifindex else {
        tables.remove(.egress, UInt32(port))
        state.egress[port] = nil
        return 0
      }
      let code = tables.set(.egress, UInt32(port), UInt32(bitPattern: ifindex))
      state.egress[port] = code == 0 ? longest : nil
      return code
    }
  }
}

extension VerdictTable {
  private func install(
    _ key: VerdictKey, _ verdict: OffloadedVerdict, _ lifetime: Duration, _ generation: UInt32?, _ state: inout State
  ) -> Outcome {
    let outcome = place(key, verdict, lifetime, generation ?? state.generation, &state)
    switch outcome {
    case .installed: state.tally.installed += 1
    case .renewed: state.tally.renewed += 1
    case .full: state.tally.full += 1
    case .noEgress, .unsupported, .stale, .refused: state.tally.refused += 1
    }
    return outcome
  }

  private func place(
    _ key: VerdictKey, _ verdict: OffloadedVerdict, _ lifetime: Duration, _ generation: UInt32, _ state: inout State
  ) -> Outcome {
    guard generation == state.generation else { return .stale }
    let room = key.isFlow ? configuration.flows : configuration.sources
    guard key.isSound, lifetime > .zero, room > 0 else { return .unsupported }
    guard let value = value(verdict, lifetime, state) else { return .noEgress }
    let entry = Entry(key: key, verdict: verdict, expires: value.expires)
    if let old = state.entries[key] {
      if old.verdict == verdict {
        let code = write(key, value, CXSK_TABLE_REWRITE)
        if code == 0 { state.entries[key] = entry }
        return code == 0 ? .renewed : .refused(-code)
      }
      remove(key, &state)
    }
    if used(key, state) >= room { sweepForRoom(&state) }
    guard used(key, state) < room else { return .full }
    if state.needsFence {
      let code = tables.waitForPrograms()
      guard code == 0 else { return .refused(-code) }
      state.needsFence = false
    }
    let code = write(key, value, CXSK_TABLE_ADD)
    guard code == 0 else { return code == -E2BIG ? .full : .refused(-code) }
    state.entries[key] = entry
    if key.isFlow { state.flows += 1 }
    writeState(&state)
    return .installed
  }

  /// Tells the programs the generation, and which kinds there are at all, so that they look for no others.
  private func writeState(_ state: inout State) {
    var kinds = 0
    if state.flows > 0 { kinds |= Int(XSK_VERDICTS_FLOWS) }
    if state.entries.count > state.flows { kinds |= Int(XSK_VERDICTS_SOURCES) }
    let now = xsk_verdict_state(generation: state.generation, present: UInt32(kinds))
    guard now.generation != state.written.generation || now.present != state.written.present else { return }
    // The only element of an array: always there to be written.
    _ = tables.set(.verdictState, UInt32(0), now)
    state.written = now
  }

  private func used(_ key: VerdictKey, _ state: State) -> Int {
    key.isFlow ? state.flows : state.entries.count - state.flows
  }

  /// nil if it would be redirected to where nothing is taken.
  private func value(_ verdict: OffloadedVerdict, _ lifetime: Duration, _ state: State) -> xsk_verdict? {
    let generation = UInt64(state.generation) << 32
    let (seconds, attoseconds) = lifetime.components
    // Beyond 290 years it is as good as for ever.
    let nanoseconds = UInt64(clamping: min(seconds, 9_000_000_000)) * 1_000_000_000
    let expires = TimestampClock.monotonicNanoseconds &+ nanoseconds &+ UInt64(clamping: attoseconds / 1_000_000_000)
    switch verdict {
    case .drop(let reason):
      let action = UInt64(XSK_VERDICT_DROP) << 16 | UInt64(reason.rawValue)
      return xsk_verdict(decision: generation | action, expires: expires, largest: 0, lock: 0)
    case .redirect(let port):
      guard let longest = state.egress[port] else { return nil }
      let action = UInt64(XSK_VERDICT_REDIRECT) << 16 | UInt64(port)
      return xsk_verdict(
        decision: generation | action, expires: expires, largest: UInt32(clamping: longest), lock: 0)
    }
  }

  private func write(_ key: VerdictKey, _ value: xsk_verdict, _ change: cxsk_table_change) -> CInt {
    let table = tables.descriptor(key.table)
    // Both are laid out as the table's, and outlive the call.
    return unsafe withUnsafePointer(to: value) { value in
      unsafe key.withKey { key in unsafe cxsk_table_set(table, key, value, change) }
    }
  }

  private func removeFromKernel(_ key: VerdictKey) {
    let table = tables.descriptor(key.table)
    // Laid out as the table's. It can only fail because it is not there.
    unsafe key.withKey { key in _ = unsafe cxsk_table_remove(table, key) }
  }

  @discardableResult private func remove(_ key: VerdictKey, _ state: inout State) -> Bool {
    guard state.entries.removeValue(forKey: key) != nil else { return false }
    if key.isFlow { state.flows -= 1 }
    removeFromKernel(key)
    state.needsFence = true
    writeState(&state)
    return true
  }

  private func sweep(_ state: inout State) {
    let now = TimestampClock.monotonicNanoseconds
    state.swept = now
    for key in state.entries.values.filter({ $0.expires <= now }).map(\.key) { remove(key, &state) }
  }

  /// A full table is looked through for what is over at most every 10 ms, however many are refused meanwhile.
  private func sweepForRoom(_ state: inout State) {
    guard TimestampClock.monotonicNanoseconds &- state.swept >= 10_000_000 else { return }
    sweep(&state)
  }
}
