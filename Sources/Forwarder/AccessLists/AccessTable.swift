import XSKEngine

/// What a worker keeps of an access list; of none: every packet passes.
struct AccessRecord: BitwiseCopyable {
  /// Of up to 64 compiled rules those of the list, a bit each, if protocol and ports are all that they ask for.
  var mask: UInt64 = 0
  /// And those of them that drop.
  var drops: UInt64 = 0
  /// What the number of a compiled rule lacks to its place among entries and counters.
  var offset: Int32 = 0
  /// Its rules among the compiled ones; empty in `range` where `mask` says all.
  var rules = RuleRange(0..<0)
  var range = RuleRange(0..<0)
  /// Its buckets; -1: none.
  var limit: Int32 = -1
  /// Where counters are of what the limits let pass, and of what is more than the limit in packets and in bits.
  var passed: UInt32 = 0
  var packetsExceeded: UInt32 = 0
  var bitsExceeded: UInt32 = 0
  /// What has to be known of packets that meet it, beyond that it is none: bits.
  var kind: UInt8 = 0
  /// What such packets get.
  var packetsVerdict = Verdict.drop(.rateLimit)
  var bitsVerdict = Verdict.drop(.rateLimit)

  static var asksForFlow: UInt8 { 1 }
  static var asksForMore: UInt8 { 2 }
  /// Beside `asksForMore`: packets of a unit may meet different rules.
  static var looksBeyondFlow: UInt8 { 4 }
}

/// Where the bucket of an access list's limiter is; -1: it is no list's.
struct LimiterHome: BitwiseCopyable {
  var bucket = -1
  var isBits = false
}

/// The access lists as a worker asks them: what lies in tables is made off the packet path, the buckets are the worker's own.
@usableFromInline struct AccessTable: ~Copyable {
  /// There are lists.
  @usableFromInline let isOn: Bool
  /// For each port its list of arriving packets, and the one of leaving packets.
  let lists: FixedArray<AccessRecord>
  let classifier: RuleClassifier
  /// Of rules in one word; nil: they are more.
  let services: ServiceWords?
  let sets: FixedArray<PrefixSet.View>
  var buckets: FixedArray<PairedBuckets>
  /// For each limiter which bucket is its.
  private let homes: FixedArray<LimiterHome>

  /// - Parameters:
  ///   - sets: the prefix sets that the lists' rules name.
  ///   - workers: that limits are divided among.
  init(_ policy: Policy, workers: Int) {
    let plan = policy.access
    isOn = !plan.lists.isEmpty
    // Safe: the policy is kept beside the view.
    classifier = unsafe plan.compiled.classifier
    services = plan.compiled.services
    sets = FixedArray(policy.accessSets.map { unsafe $0.view })
    var lists = [AccessRecord](repeating: AccessRecord(), count: 512)
    var buckets: [PairedBuckets] = []
    var homes = [LimiterHome](repeating: LimiterHome(), count: policy.configuration.limiters.count)
    for list in plan.lists {
      let number = list.port * 2 + (list.isLeaving ? 1 : 0)
      lists[number] = Self.record(list, policy, isFlat: services != nil)
      guard list.packets != nil || list.bits != nil else { continue }
      lists[number].limit = Int32(buckets.count)
      if let packets = list.packets { homes[packets] = LimiterHome(bucket: buckets.count) }
      if let bits = list.bits { homes[bits] = LimiterHome(bucket: buckets.count, isBits: true) }
      let limiters = policy.configuration.limiters
      buckets.append(
        PairedBuckets(
          packets: list.packets.map { limiters[$0].limit.divided(among: workers) },
          bits: list.bits.map { limiters[$0].limit.divided(among: workers) },
          ticksPerSecond: TimestampClock.shared.ticksPerSecond, now: TimestampClock.now))
    }
    self.lists = FixedArray(lists)
    self.buckets = FixedArray(buckets)
    self.homes = FixedArray(homes)
  }

  private static func record(_ list: AccessPlan.List, _ policy: Policy, isFlat: Bool) -> AccessRecord {
    let places = policy.places
    var record = AccessRecord()
    record.offset = Int32(places.firstAccessRule + list.firstRule) - Int32(list.range.first)
    record.kind = list.asksForFlowOnly ? AccessRecord.asksForFlow : AccessRecord.asksForMore
    if list.looksBeyondFlow { record.kind |= AccessRecord.looksBeyondFlow }
    record.rules = list.range
    if isFlat && list.asksForServiceOnly {
      record.mask = list.range.mask
      for rule in list.range.numbers
      where policy.access.rules[list.firstRule + rule - Int(list.range.first)].drop != nil {
        record.drops |= 1 << UInt64(rule)
      }
    } else {
      record.range = list.range
    }
    if let first = list.packets ?? list.bits { record.passed = UInt32(places.limiter(first)) }
    if let packets = list.packets {
      record.packetsExceeded = UInt32(places.limiter(packets) + 1)
      record.packetsVerdict = .drop(policy.reason(ofLimiter: packets))
    }
    if let bits = list.bits {
      record.bitsExceeded = UInt32(places.limiter(bits) + 1)
      record.bitsVerdict = .drop(policy.reason(ofLimiter: bits))
    }
    return record
  }

  /// Takes over the bucket of a limiter that is the same, if it was a list's and is.
  ///
  /// - Parameter before: the number that it had.
  mutating func inherit(_ limiter: Int, from past: borrowing AccessTable, _ before: Int) {
    let home = homes[limiter]
    guard home.bucket >= 0, let past = past.full(before) else { return }
    if home.isBits { buckets[home.bucket].bitsFull = past } else { buckets[home.bucket].packetsFull = past }
  }

  private func full(_ limiter: Int) -> UInt64? {
    let home = homes[limiter]
    guard home.bucket >= 0 else { return nil }
    return home.isBits ? buckets[home.bucket].bitsFull : buckets[home.bucket].packetsFull
  }

  /// The lists that a packet meets.
  ///
  /// - Parameter ports: that it came in on, in bits 8 to 15; that it is routed to, in the lower ones.
  @inline(__always) static func numbers(_ ports: UInt32) -> (arriving: Int, leaving: Int) {
    (Int(ports &>> 8 & 0xFF) &* 2, Int(ports & 0xFF) &* 2 &+ 1)
  }
}
