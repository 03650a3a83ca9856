public import Forwarder
import Synchronization

/// Where clients of the control socket ask for another policy, and learn what became of it. The main thread serves it: loading a
/// large configuration takes seconds, in which the server goes on answering.
public final class PolicyDesk: Sendable {
  private struct State: Sendable {
    /// Wishes so far.
    var wanted: UInt64 = 0
    var last: ReloadReport?
    var signal: @Sendable () -> Void = {}
  }

  public let pipeline: Pipeline
  private let state = Mutex(State())

  public init(_ pipeline: Pipeline) { self.pipeline = pipeline }

  /// How to have the main thread come to the desk.
  public func signal(with signal: @escaping @Sendable () -> Void) { state.withLock { $0.signal = signal } }

  /// A client's wish; its number.
  func ask() -> UInt64 {
    let (number, signal) = state.withLock { state in
      state.wanted += 1
      return (state.wanted, state.signal)
    }
    signal()
    return number
  }

  /// Serves all wishes that there are by one reload.
  ///
  /// - Parameter reload: answers what came of it.
  public func serve(_ reload: () -> ReloadOutcome) -> ReloadReport {
    let number = state.withLock { $0.wanted }
    var report = ReloadReport(number: number, state: .refused, generation: pipeline.generation, problems: [])
    switch reload() {
    case .refused(let problems): report.problems = problems
    case .loaded(let replacement):
      (report.state, report.generation) = (.loaded, replacement.generation)
      report.silentWorkers = replacement.silentWorkers
    }
    state.withLock { $0.last = report }
    return report
  }

  /// What became of a wish.
  func report(on number: UInt64) -> ReloadReport {
    if let last = state.withLock({ $0.last }), last.number >= number { return last }
    return ReloadReport(number: number, state: .pending, generation: pipeline.generation, problems: [])
  }
}

/// What came of a reload.
public enum ReloadOutcome: Sendable {
  case loaded(PolicyReplacement)
  /// What was wrong, a line each: nothing has changed.
  case refused([String])
}

/// What became of a wish to reload: what `POST /v1/reload` and `GET /v1/reload` answer.
public struct ReloadReport: Codable, Hashable, Sendable {
  public enum State: String, Codable, Sendable { case pending, loaded, refused }

  /// The wish's number; later ones may have been served with it.
  public var number: UInt64
  public var state: State
  /// Policies so far, the first included.
  public var generation: UInt64
  /// What was wrong, a line each: then nothing has changed.
  public var problems: [String]
  /// Workers that have not taken the new policy yet; they will once they go on.
  public var silentWorkers: [Int] = []

  enum CodingKeys: String, CodingKey {
    case number, state, generation, problems
    case silentWorkers = "silent_workers"
  }
}
