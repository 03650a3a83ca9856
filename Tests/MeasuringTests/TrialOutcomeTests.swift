import Foundation
import Testing

@testable import Measuring

/// Whose fault it is that frames did not arrive in time.
@Suite struct TrialOutcomeTests {
  private func outcome(sent: UInt64 = 1_000_000, received: UInt64 = 1_000_000) -> TrialOutcome {
    TrialOutcome(load: 1_000_000, seconds: 1, lasted: 1, requested: 1_000_000, sent: sent, received: received)
  }

  @Test func `what others took from the generator is sent later, is no loss, and is said`() {
    var trial = outcome()
    trial.settle(window: 1.3, held: 0.05, others: 0.06)
    #expect(trial.sent == 1_000_000 && trial.lossRatio == 0 && trial.held == 0.05)
    #expect(trial.disturbance > 9 && trial.disturbance < 11)
    #expect(
      trial.irregular == ["at 1.0 M/s the generator was held up for 5.0 % of the time: the load was less by so much"])
  }

  @Test func `a device that works on the generator's CPU and slows it down loses what is late`() {
    var trial = outcome()
    trial.settle(window: 1.3, held: 0.25, others: 0)
    #expect(trial.sent == 800_000 && abs(trial.lossRatio - 0.2) < 1e-9 && trial.held == 0)
    // Nothing to make again: it would be so each time.
    #expect(trial.disturbance == 0 && trial.irregular.contains { $0.contains("sent 80.0 % of the frames in time") })
    var overloaded = outcome(sent: 650_000, received: 600_000)
    overloaded.settle(window: 1.3, held: 0.9, others: 0)
    #expect(overloaded.sent == 500_000 && overloaded.received == 461_538)
  }

  @Test func `little moments are nobody's fault`() {
    var trial = outcome(received: 999_000)
    trial.settle(window: 1.3, held: 0.004, others: 0.001)
    trial.deviceWaited = 0.001
    #expect(trial.sent == 1_000_000 && trial.disturbance < 1 && trial.irregular.isEmpty && trial.lossRatio == 0.001)
  }

  @Test func `loss while the device had no CPU is said to be others', and only if there is loss`() {
    var trial = outcome(received: 900_000)
    trial.deviceWaited = 0.1
    #expect(
      trial.disturbance > 40 && trial.irregular.contains { $0.contains("the device had no CPU for 10.0 % of the time") }
    )
    trial.received = trial.sent
    #expect(trial.disturbance == 0 && trial.irregular.isEmpty)
  }

  @Test func `frames that the far end had no room for are the harness's loss`() {
    var trial = outcome(received: 990_000)
    (trial.portDropped, trial.farDropped) = (0, 10_000)
    #expect(
      trial.disturbance > 1 && trial.irregular.contains { $0.contains("the far end had no room for 10000 frames") })
  }

  @Test func `files from before all that are read`() throws {
    let text = #"{"load":1000,"seconds":2,"lasted":2.5,"requested":2000,"sent":1999,"received":1998}"#
    let trial = try JSONDecoder().decode(TrialOutcome.self, from: Data(text.utf8))
    #expect(trial.received == 1998 && trial.attempts == 1 && trial.held == 0 && trial.farDropped == nil)
    #expect(try JSONDecoder().decode(TrialOutcome.self, from: JSONEncoder().encode(trial)) == trial)
  }
}
