import PacketHeaders

/// Holding across bursts. A held packet is simply the first of the next burst again: it is parsed again (its headers are in
/// the nearest cache still) and all rules apply to it as if it had come with that burst. So nothing of the table outlives
/// a burst, and sorting and joining work across bursts by themselves.
extension GROLite {
  /// Marks the units to hold: of each flow those from the first that can still grow, if none of their packets is too old
  /// and all fit the limit.
  @inlinable @inline(never)
  mutating func markHeld(now: UInt64, deliverHeld: Bool) {
    var room = deliverHeld ? 0 : configuration.holdLimit
    forEachFlow { gro, flow in
      // `flow` is one of the burst's.
      if room > 0, unsafe gro.flows[flow].unit != Flow.idle {
        room &-= gro.hold(unsafe gro.flows[flow].firstUnit, room, now)
      }
    }
  }

  /// Marks an epoch's units to hold.
  ///
  /// - Returns: packets held.
  @inlinable
  mutating func hold(_ firstUnit: UInt16, _ room: Int, _ now: UInt64) -> Int {
    // Units of an epoch are linked.
    var unit = firstUnit
    while unit != Self.none && !canGrow(unit) { unit = unsafe units[Int(unit)].successor }
    guard unit != Self.none else { return 0 }
    let (packets, since) = age(from: unit, now: now)
    guard packets <= room, now &- since < configuration.holdTime else { return 0 }
    while unit != Self.none {
      unsafe units[Int(unit)].marks |= GROUnit.heldMark
      unit = unsafe units[Int(unit)].successor
    }
    return packets
  }

  /// Whether another full segment could be appended.
  @inlinable
  func canGrow(_ unit: UInt16) -> Bool {
    // `unit` is below `unitTotal`.
    let unit = unsafe units + Int(unit)
    return unsafe unit.pointee.room >= unit.pointee.firstPayload
  }

  /// The packets of a unit and those that follow it in its epoch, and when the oldest of them came.
  @inlinable
  func age(from first: UInt16, now: UInt64) -> (packets: Int, since: UInt64) {
    var packets = 0
    var since = now
    var unit = first
    while unit != Self.none {
      // `unit` is below `unitTotal`.
      let current = unsafe units[Int(unit)]
      packets &+= current.count
      forEachPacket(of: current) { packet in
        // The packets held before are the first of the burst.
        let came = unsafe packet < heldTotal ? heldSince[packet] : now
        if now &- came > now &- since { since = came }
      }
      unit = current.successor
    }
    return (packets, since)
  }

  /// Takes the held units out of those to deliver, and lists their packets.
  @inlinable @inline(never)
  mutating func separateHeld(now: UInt64) {
    var delivered = 0
    var held = 0
    for number in 0..<unitTotal {
      // `number` is below `unitTotal`; held packets number at most `holdLimit`.
      let unit = unsafe units[number]
      guard unit.isHeld else {
        unsafe units[delivered] = unit
        delivered &+= 1
        continue
      }
      var packet = unit.first
      for _ in 0..<unit.count {
        unsafe heldIndices[held] = UInt16(truncatingIfNeeded: packet)
        unsafe nextSince[held] = packet < heldTotal ? heldSince[packet] : now
        held &+= 1
        packet = next(orNone: packet)
      }
    }
    unsafe heldSince.update(from: nextSince, count: held)
    unitTotal = delivered
    heldTotal = held
  }

  @inlinable
  func next(orNone packet: Int) -> Int {
    // A link may be `none` behind a unit's last packet, and is not followed then.
    packet < configuration.capacity ? Int(unsafe links[packet]) : packet
  }
}
