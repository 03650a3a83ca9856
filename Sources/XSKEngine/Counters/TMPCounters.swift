import CXsk
public struct CounterSnapshot: Sendable { public var text = "" }
public enum CounterPageState: UInt64, Sendable { case starting, running, stopping }
@safe public final class CounterPage: @unchecked Sendable { let b: UnsafeMutablePointer<UInt64>
 public init() { unsafe b = .allocate(capacity: 64*1024); unsafe b.initialize(repeating: 0, count: 64*1024) }
 public convenience init(description: CounterDescription, workers: Int, slots: Int, path: String?) throws(XSKError) { self.init() }
 public func queue(slot: Int) -> QueueCounters { unsafe QueueCounters(base: b + 64*16 + slot * 128) }
 public func worker(index i: Int) -> WorkerCounters { unsafe WorkerCounters(base: b + 64*i) }
 public func setState(_ s: CounterPageState) {}
 public func describe(_ d: CounterDescription) throws(XSKError) {}
 public func remove() {}
 public func snapshot() -> CounterSnapshot { 
   var t = ""
   for s in 0..<2 { for c in QueueCounter.allCases { t += "\(s).\(c)=\(queue(slot: s).get(c)) " }; for r in DropReason.allCases { t += "\(r)=\(queue(slot: s).dropped(r)) " }; t += "\n" }
   for c in WorkerCounter.allCases { t += "\(c)=\(worker(index: 0).get(c)) " }
   return CounterSnapshot(text: t) }
}
