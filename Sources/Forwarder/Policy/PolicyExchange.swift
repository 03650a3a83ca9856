import Synchronization

/// Where the control plane leaves a policy for one worker, and finds the one that it has replaced. The worker looks here once a
/// housekeeping, between two bursts: never on the packet path.
final class PolicyExchange: Sendable {
  private struct Box: ~Copyable {
    var next: PolicyState?
    var past: PolicyState?
  }

  private let hasNext = Atomic<Bool>(false)
  private let box = Mutex<Box>(Box())

  init() {}

  /// Leaves a state for the worker; one that it has not taken is gone.
  func send(_ state: consuming PolicyState) {
    var sent: PolicyState? = state
    box.withLock { $0.next = sent.take() }
    hasNext.store(true, ordering: .releasing)
  }

  /// On the worker: takes what was sent, if anything, in place of `state`, which goes back to the control plane.
  func receive(into state: inout PolicyState) {
    guard hasNext.load(ordering: .acquiring) else { return }
    exchange(&state)
  }

  @inline(never) private func exchange(_ state: inout PolicyState) {
    hasNext.store(false, ordering: .relaxed)
    box.withLock { box in
      // It was taken back at the last moment.
      guard box.next != nil, var next = box.next.take() else { return }
      next.inherit(from: &state)
      state.publishGauges()
      swap(&state, &next)
      box.past = consume next
    }
  }

  /// The policy of the state that the worker has given back, and what it had counted; nil: it has not. The state's memory is
  /// freed here.
  func takePast() -> (policy: Policy, counters: PolicyCounters)? {
    box.withLock { box in
      guard let past = box.past.take() else { return nil }
      return (past.policy, past.counterMemory)
    }
  }
}
