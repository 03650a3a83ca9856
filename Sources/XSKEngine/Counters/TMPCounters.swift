import CXsk
@frozen @safe public struct QueueCounters: Sendable {
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutablePointer<UInt64>
  init(base: UnsafeMutablePointer<UInt64>) { unsafe self.base = base }
  @inlinable public func add(_ c: QueueCounter, _ n: UInt64) { unsafe cxsk_counter_store(base + c.rawValue, cxsk_counter_load(base + c.rawValue) &+ n) }
  @inlinable public func set(_ c: QueueCounter, _ n: UInt64) { unsafe cxsk_counter_store(base + c.rawValue, n) }
  @inlinable public func get(_ c: QueueCounter) -> UInt64 { unsafe cxsk_counter_load(base + c.rawValue) }
  @inlinable public func drop(_ c: DropReason, _ n: UInt64) { unsafe cxsk_counter_store(base + 64 + Int(c.rawValue), cxsk_counter_load(base + 64 + Int(c.rawValue)) &+ n) }
}
@frozen @safe public struct WorkerCounters: Sendable {
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutablePointer<UInt64>
  init(base: UnsafeMutablePointer<UInt64>) { unsafe self.base = base }
  @inlinable public func add(_ c: WorkerCounter, _ n: UInt64) { unsafe cxsk_counter_store(base + c.rawValue, cxsk_counter_load(base + c.rawValue) &+ n) }
  @inlinable public func set(_ c: WorkerCounter, _ n: UInt64) { unsafe cxsk_counter_store(base + c.rawValue, n) }
  @inlinable public func get(_ c: WorkerCounter) -> UInt64 { unsafe cxsk_counter_load(base + c.rawValue) }
}

extension QueueCounters { func dropped(_ r: DropReason) -> UInt64 { unsafe cxsk_counter_load(base + 64 + Int(r.rawValue)) } }
@safe public final class CounterPage: @unchecked Sendable { let b: UnsafeMutablePointer<UInt64>
 public init() { unsafe b = .allocate(capacity: 64*1024); unsafe b.initialize(repeating: 0, count: 64*1024) }
 public func queue(slot: Int) -> QueueCounters { unsafe QueueCounters(base: b + 64*16 + slot * 128) }
 public func worker(index i: Int) -> WorkerCounters { unsafe WorkerCounters(base: b + 64*i) }
}
