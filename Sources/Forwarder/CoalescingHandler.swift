public import GROLite
public import XSKEngine

/// GRO ahead of a pipeline: each burst is coalesced, and `Units` decides once per unit.
///
/// With a hold time, aggregates that can still grow wait for the next bursts of their queue, as held packets of the worker,
/// and come back to GRO as the first packets of the next burst. They are let go of when their time is over, and when the
/// worker stops. A queue has a GRO of its own then, so that packets of two ports never meet in a unit.
@frozen public struct CoalescingHandler<Units: UnitHandler & ~Copyable>: PacketHandler, ~Copyable {
  @usableFromInline var lanes: FixedArray<CoalescingLane>
  /// Ticks of `TimestampClock`.
  @usableFromInline let holdTime: UInt64
  /// Nothing is merged: each packet is a unit.
  @usableFromInline let isSeparate: Bool
  public var units: Units

  /// - Parameters:
  ///   - units: decides about the units.
  ///   - gro: its capacity is raised to what a burst may have; nil: each packet is a unit.
  ///   - batch: packets of a burst at most, as the worker is configured.
  ///   - queues: the worker's (`Engine.Placement.slotCount`).
  /// - Throws: a hold limit that does not leave room for a burst.
  @inlinable
  public init(
    _ units: consuming Units, gro wanted: GROConfiguration? = GROConfiguration(), batch: Int = 64, queues: Int
  ) throws(XSKError) {
    let gro = try Self.configuration(wanted ?? GROConfiguration(), batch: batch)
    let lanes = try FixedArray(count: gro.holdTime == 0 ? 1 : max(1, queues)) { _ throws(XSKError) in
      CoalescingLane(gro, merges: wanted != nil)
    }
    self.lanes = lanes
    self.units = units
    holdTime = gro.holdTime
    isSeparate = wanted == nil
  }

  @usableFromInline
  static func configuration(_ gro: GROConfiguration, batch: Int) throws(XSKError) -> GROConfiguration {
    var gro = gro
    let held = gro.holdTime == 0 ? 0 : gro.holdLimit
    guard held >= 0, batch + held <= 1024, batch >= held else {
      throw XSKError(
        "GRO holding \(held) packets beside bursts of \(batch)", "out of range",
        remedy: "hold no more than a burst has, 1,024 together")
    }
    gro.capacity = max(1, batch + held)
    // The worker tells the time in ticks: no system call.
    if gro.holdTime > 0 { gro.holdTime = max(1, TimestampClock.shared.ticks(nanoseconds: gro.holdTime)) }
    return gro
  }

  // Inlined into the worker's turn: functions for two kinds of units may be so much alike that the compiler makes one of both,
  // which calls what differs through a pointer.
  @inlinable @inline(__always)
  public mutating func handle(_ burst: inout Burst) {
    if holdTime != 0 { return handleHolding(&burst) }
    if Units.decidesAlone && (isSeparate || lanes[0].pause.isOn) {
      return lanes[0].decideSeparately(&burst, &units)
    }
    if isSeparate {
      lanes[0].gro.processSeparately(burst.packets)
    } else {
      lanes[0].gro.process(burst.packets)
    }
    lanes[0].decide(&burst, &units)
    if Units.decidesAlone { lanes[0].pause.learn(packets: burst.count, units: lanes[0].gro.unitCount) }
  }

  @inlinable @inline(never)
  mutating func handleHolding(_ burst: inout Burst) {
    let lane = burst.slot
    let now = burst.now
    if burst.count == 0 && !burst.isDraining && now &- lanes[lane].since < holdTime { return }
    burst.readmit(lanes[lane].held, count: lanes[lane].heldCount)
    lanes[lane].gro.process(burst.packets, now: now, deliverHeld: burst.isDraining)
    lanes[lane].decide(&burst, &units)
    lanes[lane].hold(&burst, now: now)
  }

  @inlinable public mutating func originate(_ burst: inout Burst) { units.originate(&burst) }

  @inlinable public var wakeDescriptor: CInt { units.wakeDescriptor }

  @inlinable public mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {
    units.housekeeping(nanoseconds: nanoseconds)
  }

  /// All that its queues hold back together.
  @inlinable public var holdLimit: Int { lanes.count * lanes[0].held.count }
}

/// A GRO, and the packets that it holds.
@frozen @usableFromInline struct CoalescingLane: ~Copyable {
  @usableFromInline var gro: GROLite
  @usableFromInline var held: FixedArray<HeldPacket>
  @usableFromInline var heldCount = 0
  /// When the oldest held packet came.
  @usableFromInline var since: UInt64 = 0
  @usableFromInline var pause = CoalescingPause()
  /// Without GRO there are no units to tell of.
  @usableFromInline let merges: Bool

  @usableFromInline init(_ configuration: GROConfiguration, merges: Bool) {
    self.merges = merges
    gro = GROLite(configuration)
    held = FixedArray(repeating: HeldPacket.none, count: configuration.holdTime == 0 ? 0 : configuration.holdLimit)
  }

  /// Has `units` decide about each unit of the last burst.
  @inlinable @inline(always)
  mutating func decide<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    gro.decide(&burst, &units)
    if merges { burst.count(units: gro.unitCount, packets: burst.count &- gro.heldCount) }
  }

  /// The same of each packet by itself, GRO being off or not worth its while.
  @inlinable @inline(never)
  mutating func decideSeparately<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    gro.decideSeparately(&burst, &units)
    if merges { burst.count(units: burst.count, packets: burst.count) }
    pause.pass(burst.count)
  }

  /// Has the worker hold what GRO held back, in GRO's order.
  @usableFromInline mutating func hold(_ burst: inout Burst, now: UInt64) {
    heldCount = 0
    for number in 0..<gro.heldCount {
      let index = gro.heldPacket(number)
      guard let packet = burst.hold(index) else {
        preconditionFailure("the worker's hold capacity is less than GRO's limit on all of its queues")
      }
      burst.sequence(index)
      held[heldCount] = packet
      heldCount += 1
    }
    since = gro.oldestHeld(now: now)
  }
}
