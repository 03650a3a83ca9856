import Testing

@testable import XSKEngine

/// Where the tests read counters: the two invariants, and the few numbers that tests compare.
struct CounterReader {
  let page: CounterPage
  /// Slots of each worker.
  let slots: [[Int]]

  init(_ engine: Engine) {
    page = engine.counters
    slots = engine.plan.workers.map { $0.queues.map(\.slot) + ($0.localSlot.map { [$0] } ?? []) }
  }

  /// A worker of the tests' own.
  init(_ page: CounterPage, slots: Int) {
    self.page = page
    self.slots = [Array(0..<slots)]
  }

  /// A page in memory for one worker with a few queues.
  static func page() throws(XSKError) -> CounterPage {
    try CounterPage(simulated: [SimulatedDevice(name: "a"), SimulatedDevice(name: "b")])
  }

  /// The sum over all queues.
  func total(_ counter: QueueCounter) -> UInt64 {
    slots.joined().reduce(0) { $0 + page.queue(slot: $1).get(counter) }
  }

  func dropped(_ reason: DropReason) -> UInt64 {
    slots.joined().reduce(0) { $0 + page.queue(slot: $1).dropped(reason) }
  }

  var droppedTotal: UInt64 { slots.joined().reduce(0) { $0 + page.queue(slot: $1).droppedTotal } }

  func get(_ counter: QueueCounter, slot: Int) -> UInt64 { page.queue(slot: slot).get(counter) }

  func get(_ counter: WorkerCounter, worker: Int = 0) -> UInt64 { page.worker(index: worker).get(counter) }

  /// The frame ledger is exact, no packet disappeared without a reason, and neither ever failed to hold.
  func expectInvariants(sourceLocation: SourceLocation = #_sourceLocation) {
    for (index, mine) in slots.enumerated() {
      let worker = page.worker(index: index)
      var frames = worker.get(.framesInPool) + worker.get(.framesHeld)
      for slot in mine {
        let queue = page.queue(slot: slot)
        for place in [QueueCounter.fillFrames, .kernelFrames, .txFrames, .completionFrames] {
          frames &+= queue.get(place)
        }
        var explained = queue.get(.forwardedPackets) + queue.get(.deliveredPackets) + queue.get(.heldPackets)
        explained += queue.droppedTotal
        #expect(explained == queue.get(.receivedPackets), "slot \(slot)", sourceLocation: sourceLocation)
      }
      #expect(worker.get(.framesTotal) > 0, sourceLocation: sourceLocation)
      #expect(frames == worker.get(.framesTotal), "worker \(index)", sourceLocation: sourceLocation)
      #expect(worker.get(.ledgerViolations) == 0, "worker \(index)", sourceLocation: sourceLocation)
    }
  }
}
