import Synchronization
import XSKEngine

/// What an endpoint has to say, a line at a time: what its clients bring about must not fill anybody's disk.
final class HandoverLog: Sendable {
  private struct State {
    var budget: WorkBudget
    var omitted = 0
  }

  private let write: @Sendable (String) -> Void
  private let state: Mutex<State>

  /// Twenty lines at once, one a second.
  private static var limits: HandoverLimits {
    var limits = HandoverLimits()
    (limits.workAtOnce, limits.workPerSecond) = (20, 1)
    return limits
  }

  init(_ write: @escaping @Sendable (String) -> Void) {
    self.write = write
    state = Mutex(State(budget: WorkBudget(Self.limits, now: Self.now)))
  }

  func line(_ text: String) {
    let omitted: Int? = state.withLock { state in
      guard state.budget.wait(now: Self.now) == 0 else {
        state.omitted += 1
        return nil
      }
      state.budget.spend(1)
      defer { state.omitted = 0 }
      return state.omitted
    }
    guard let omitted else { return }
    write(omitted == 0 ? text : "\(text) (\(omitted) more lines were left out before)")
  }

  private static var now: Double { Double(TimestampClock.monotonicNanoseconds) / 1e9 }
}
