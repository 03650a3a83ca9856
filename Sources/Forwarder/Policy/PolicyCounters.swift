import CXsk

/// What one worker has counted under one policy: packets and bytes, by rule, last resort and counter. The worker writes, and
/// anybody reads.
@safe final class PolicyCounters: @unchecked Sendable {
  // Safe: allocated in init, freed in deinit, and neither number changes. Its words have one writer, the worker; each is read
  // and written whole.
  private let base: UnsafeMutablePointer<UInt64>
  private let count: Int

  init(count: Int) {
    // Cache lines of its own, in pairs as processors prefetch them: each worker writes to its counters for every unit.
    let bytes = (count * 16 + 127) / 128 * 128
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(128, bytes), alignment: 128)
    unsafe base = memory.bindMemory(to: UInt64.self, capacity: max(128, bytes) / 8)
    unsafe base.initialize(repeating: 0, count: max(128, bytes) / 8)
    self.count = count
  }

  deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }

  /// What the worker counts with: whoever keeps it keeps the object too.
  @unsafe var view: PolicyCountersView { unsafe PolicyCountersView(base: base, count: count) }

  /// - Parameter place: of a rule, last resort or counter.
  func read(_ place: Int) -> RuleCount {
    precondition(place >= 0 && place < count)
    // In bounds: two words for each place.
    return unsafe RuleCount(
      packets: cxsk_counter_load(base + place * 2), bytes: cxsk_counter_load(base + place * 2 + 1))
  }
}

/// The worker's side of `PolicyCounters`, a plain value.
@frozen @safe @usableFromInline struct PolicyCountersView {
  // Safe: every place is checked; the object that it is a view of is kept beside it.
  @usableFromInline let base: UnsafeMutablePointer<UInt64>
  @usableFromInline let count: Int

  init(base: UnsafeMutablePointer<UInt64>, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  @inlinable @inline(__always) func add(_ place: Int, packets: Int, bytes: Int) {
    precondition(UInt(bitPattern: place) < UInt(bitPattern: count))
    // In bounds: two words for each place.
    let words = unsafe base + place &* 2
    unsafe cxsk_counter_store(words, cxsk_counter_load(words) &+ UInt64(truncatingIfNeeded: packets))
    unsafe cxsk_counter_store(words + 1, cxsk_counter_load(words + 1) &+ UInt64(truncatingIfNeeded: bytes))
  }

  func set(_ place: Int, packets: UInt64) {
    precondition(place >= 0 && place < count)
    // In bounds, as above.
    unsafe cxsk_counter_store(base + place * 2, packets)
  }
}

/// Packets and their bytes, whole frames without check sequence.
public struct RuleCount: Hashable, Sendable, Codable {
  public var packets: UInt64 = 0
  public var bytes: UInt64 = 0

  public init(packets: UInt64 = 0, bytes: UInt64 = 0) { (self.packets, self.bytes) = (packets, bytes) }

  static func += (left: inout RuleCount, right: RuleCount) {
    left.packets &+= right.packets
    left.bytes &+= right.bytes
  }
}
