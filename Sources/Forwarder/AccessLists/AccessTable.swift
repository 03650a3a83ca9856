import XSKEngine

/// The lane whose limiter it is; -1: it is no list's.
struct LimiterHome: BitwiseCopyable {
  var lane = -1
  var isBits = false
}

/// The access lists as a worker asks them: what lies in tables is made off the packet path, the buckets are the worker's own.
@usableFromInline struct AccessTable: ~Copyable {
  /// There are lists.
  @usableFromInline let isOn: Bool
  /// For each port its list of arriving packets, and the one of leaving packets.
  let lanes: AccessLanes.View
  private let laneMemory = AccessLanes()
  let classifier: RuleClassifier
  /// Of rules in one word; if they are more, of none.
  let services: ServiceWords
  let sets: FixedArray<PrefixSet.View>
  /// For each limiter whose it is.
  private let homes: FixedArray<LimiterHome>

  /// - Parameters:
  ///   - sets: the prefix sets that the lists' rules name.
  ///   - workers: that limits are divided among.
  init(_ policy: Policy, workers: Int) {
    let plan = policy.access
    isOn = !plan.lists.isEmpty
    // Safe: the policy is kept beside the view.
    classifier = unsafe plan.compiled.classifier
    services = plan.compiled.services ?? .none
    sets = FixedArray(policy.accessSets.map { unsafe $0.view })
    // Safe: kept beside it.
    lanes = unsafe laneMemory.view
    var homes = [LimiterHome](repeating: LimiterHome(), count: policy.configuration.limiters.count)
    for list in plan.lists {
      let number = list.port * 2 + (list.isLeaving ? 1 : 0)
      lanes[number] = Self.lane(list, policy, isFlat: plan.compiled.services != nil)
      guard lanes[number].isLimited else { continue }
      if let packets = list.packets { homes[packets] = LimiterHome(lane: number) }
      if let bits = list.bits { homes[bits] = LimiterHome(lane: number, isBits: true) }
      let limiters = policy.configuration.limiters
      lanes[number].buckets = PairedBuckets(
        packets: list.packets.map { limiters[$0].limit.divided(among: workers) },
        bits: list.bits.map { limiters[$0].limit.divided(among: workers) },
        ticksPerSecond: TimestampClock.shared.ticksPerSecond, now: TimestampClock.now)
    }
    self.homes = FixedArray(homes)
  }

  private static func lane(_ list: AccessPlan.List, _ policy: Policy, isFlat: Bool) -> AccessLane {
    let places = policy.places
    var lane = AccessLane()
    lane.offset = Int32(places.firstAccessRule + list.firstRule) - Int32(list.range.first)
    lane.kind = list.asksForFlowOnly ? AccessLane.asksForFlow : AccessLane.asksForMore
    if list.looksBeyondFlow { lane.kind |= AccessLane.looksBeyondFlow }
    lane.rules = list.range
    if isFlat && list.asksForServiceOnly {
      lane.mask = list.range.mask
      for rule in list.range.numbers
      where policy.access.rules[list.firstRule + rule - Int(list.range.first)].drop != nil {
        lane.drops |= 1 << UInt64(rule)
      }
    } else {
      lane.range = list.range
    }
    if let first = list.packets ?? list.bits { lane.passed = UInt32(places.limiter(first)) }
    if let packets = list.packets {
      lane.packetsExceeded = UInt32(places.limiter(packets) + 1)
      lane.packetsVerdict = .drop(policy.reason(ofLimiter: packets))
    }
    if let bits = list.bits {
      lane.bitsExceeded = UInt32(places.limiter(bits) + 1)
      lane.bitsVerdict = .drop(policy.reason(ofLimiter: bits))
    }
    return lane
  }

  /// Takes over the tokens of a limiter that is the same, if it was a list's and is.
  ///
  /// - Parameter before: the number that it had.
  func inherit(_ limiter: Int, from past: borrowing AccessTable, _ before: Int) {
    let (home, former) = (homes[limiter], past.homes[before])
    guard home.lane >= 0, former.lane >= 0 else { return }
    lanes[home.lane].buckets.inherit(packets: !home.isBits, from: past.lanes[former.lane].buckets)
  }

  /// What the lists on a packet's way ask for.
  ///
  /// - Parameter ports: that it came in on, in bits 8 to 15; that its route leads to, in the lower ones.
  @inline(__always) func kinds(_ ports: UInt32) -> UInt8 {
    lanes[AccessLane.arriving(ports)].kind | lanes[AccessLane.leaving(ports)].kind
  }
}
