import PacketHeaders

/// Generic receive offload of a burst: packets in, *units* out — aggregates of one flow each, and lone packets.
///
/// It knows no sockets, rings or policy: give it a `PacketBatch`, read the units. Nothing is allocated after `init`, all
/// state is bounded by the burst's capacity, and nothing outlives a burst unless holding is configured.
///
///     var gro = GROLite(GROConfiguration())
///     gro.process(burst)
///     for number in 0..<gro.unitCount {
///       let unit = gro.unit(number)
///       let verdict = decide(gro.summary(of: unit))
///       gro.forEachPacket(of: unit) { index in apply(verdict, index) }
///     }
///
/// **Order.** Every packet is in exactly one unit. Units come at their first packet's place. Within a flow the order of
/// arrival changes in one way only: segments that may merge with each other are sorted by TCP sequence.
///
/// **Flows and epochs.** The flow tag indexes a small table; headers are compared always. Within a flow an *epoch* is a row
/// of packets that agree in all that an aggregate's packets must share (acknowledgement, window, options, TTL, …). Only
/// packets of one epoch are sorted and merged; whatever can't merge ends it, so nothing overtakes anything.
///
/// **Holding.** With a hold time set, aggregates that could still grow at the end of a burst are held back: their packets
/// are listed in `heldPacket(_:)`, and the caller presents those same packets, in that order, as the first of the next
/// burst. It goes on calling `process` while there are any, at the latest when `holdTime` has passed.
@frozen
public struct GROLite: ~Copyable {
  public let configuration: GROConfiguration

  @usableFromInline let memory: GROMemory
  @usableFromInline var unitTotal = 0
  @usableFromInline var heldTotal = 0
  @usableFromInline var slotMask = 0
  /// Tells this burst's entries of `index` and `barriers` from those of earlier bursts, which so need no clearing.
  @usableFromInline var generation: UInt32 = 0
  /// A quarter or more of the last burst's packets merged. Decides on speed only.
  @usableFromInline var expectsTwins = true
  /// Packets of the last burst, and of this one, had more than 64 bytes of headers. Decides on speed only.
  @usableFromInline var hadDeepHeaders = true
  @usableFromInline var hasDeepHeaders = true
  @usableFromInline var hasBarriers = false
  @usableFromInline var hasDisorder = false
  @usableFromInline var needsOrdering = false

  /// - Precondition: `capacity` is 1…1,024 and `holdLimit` 0…`capacity` / 2.
  public init(_ configuration: GROConfiguration = GROConfiguration()) {
    let capacity = configuration.capacity
    precondition((1...1024).contains(capacity), "GRO capacity \(capacity): must be 1 to 1024 packets")
    precondition(
      (0...capacity / 2).contains(configuration.holdLimit) || configuration.holdTime == 0,
      "GRO hold limit \(configuration.holdLimit): must be 0 to half of the capacity, \(capacity / 2)")
    self.configuration = configuration
    memory = GROMemory()
  }

  deinit {
    memory.deallocate()
  }

  /// No packet, no unit, no flow.
  @inlinable static var none: UInt16 { .max }
  /// Index slots for a burst: sixteen a packet or more. Of a burst of as many flows as packets one in thirty then meets
  /// another flow's slot (with four it were one in eight), which costs more than the cache lines do.
  @inlinable
  static func slotCount(for count: Int) -> Int {
    max(64, 1 << (Int.bitWidth - (max(count, 1) * 16 - 1).leadingZeroBitCount))
  }
}

extension GROLite {
  /// Units of the last burst.
  @inlinable public var unitCount: Int { unitTotal }

  /// A unit of the last burst, in the order of delivery.
  ///
  /// - Parameter number: 0 ..< `unitCount`.
  @inlinable
  public func unit(_ number: Int) -> GROUnit {
    precondition(number >= 0 && number < unitTotal)
    return unsafe units[number]
  }

  /// What the parser said about a unit's first packet. The others have their headers in the same places, and the same in
  /// them but for lengths, IPv4 identification, TCP sequence, PSH, FIN and checksums.
  @inlinable
  public func summary(of unit: GROUnit) -> PacketSummary {
    precondition(unit.first < configuration.capacity)
    return unsafe summaries[unit.first]
  }

  /// The packet that follows in a unit. Behind a unit's last packet it has no meaning.
  @inlinable
  public func next(after index: Int) -> Int {
    precondition(index >= 0 && index < configuration.capacity)
    return Int(unsafe links[index])
  }

  /// Whether a unit's packets are as many that arrived one after the other, in that order.
  @inlinable @inline(always)
  public func isRun(_ unit: GROUnit) -> Bool {
    var index = unit.first
    let last = unit.first &+ unit.count &- 1
    // A unit that was put in order may begin near the burst's end, and go on before.
    guard last < configuration.capacity else { return false }
    while index < last {
      // Four links at a time. Those of the last three places are read with some of the next array's, in the same memory.
      let links = unsafe UnsafeRawPointer(links + index).loadUnaligned(as: UInt64.self)
      let run = UInt64(truncatingIfNeeded: index) &* 0x0001_0001_0001_0001 &+ 0x0004_0003_0002_0001
      // Only links of packets before the last one count.
      let beyond = max(0, 4 &- (last &- index))
      guard (links ^ run) &<< UInt64(truncatingIfNeeded: beyond &* 16) == 0 else { return false }
      index &+= 4
    }
    return true
  }

  /// Calls `body` with the burst's index of each packet of a unit, in order.
  @inlinable @inline(always)
  public func forEachPacket(of unit: GROUnit, _ body: (Int) -> Void) {
    var index = unit.first
    for _ in 1..<unit.count {
      body(index)
      index = next(after: index)
    }
    body(index)
  }

  /// Packets that the last burst left held.
  @inlinable public var heldCount: Int { heldTotal }

  /// The index that a held packet had in the last burst. In the next burst it has the index `number`.
  ///
  /// - Parameter number: 0 ..< `heldCount`.
  @inlinable
  public func heldPacket(_ number: Int) -> Int {
    precondition(number >= 0 && number < heldTotal)
    return Int(unsafe heldIndices[number])
  }

  /// When the oldest of the held packets came; `now` if none is held.
  @inlinable
  public func oldestHeld(now: UInt64) -> UInt64 {
    var age: UInt64 = 0
    for number in 0..<heldTotal { age = max(age, now &- (unsafe heldSince[number])) }
    return now &- age
  }
}
