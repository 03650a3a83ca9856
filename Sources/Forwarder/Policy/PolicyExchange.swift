import Synchronization

/// A policy that a worker no longer works by, and what it has counted under it.
struct PastPolicy: Sendable {
  let policy: Policy
  let counters: PolicyCounters
}

/// Where the control plane leaves a policy for one worker, and finds the ones that it has replaced. The worker looks here once a
/// housekeeping, between two bursts: never on the packet path.
final class PolicyExchange: Sendable {
  private struct Box: ~Copyable {
    var next: PolicyState?
    /// The last one that was replaced, whose memory is the control plane's to free.
    var past: PolicyState?
    /// Replaced before that, if nobody collected them meanwhile.
    var earlier: [PastPolicy] = []
    /// The sequence number of the state that the worker has.
    var adopted: UInt64 = 0
  }

  private let hasNext = Atomic<Bool>(false)
  private let box = Mutex<Box>(Box())

  init() {}

  /// Leaves a state for the worker; one that it has not taken yet is gone.
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
      guard box.next != nil, var next = box.next.take() else { return }
      next.inherit(from: &state)
      state.publishGauges()
      box.adopted = next.sequence
      swap(&state, &next)
      if let older = box.past.take() {
        box.earlier.append(PastPolicy(policy: older.policy, counters: older.counterMemory))
      }
      box.past = consume next
    }
  }

  /// What the worker has given back since the last time, oldest first, and the sequence number of the state that it has now. The
  /// memory of what it gave back is freed here.
  func collect() -> (adopted: UInt64, past: [PastPolicy]) {
    box.withLock { box in
      var past = box.earlier
      box.earlier = []
      if let last = box.past.take() { past.append(PastPolicy(policy: last.policy, counters: last.counterMemory)) }
      return (box.adopted, past)
    }
  }
}
