public import GROLite
public import XSKEngine

extension GROLite {
  /// Has `units` decide about each unit of the last burst, sets its packets' verdicts, and has them leave in the units' order.
  ///
  /// Mostly all units get the same verdict. As long as they do nothing is written; and where it is one with which packets
  /// end here, nobody needs to know in which order they would leave.
  @inlinable @inline(__always)
  public func decide<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    let total = unitCount
    let distance = Units.prefetchDistance
    if distance > 0 {
      for number in 0..<min(distance, total) { units.prefetch(unit(number), of: self) }
    }
    var common = Verdict.drop(.policy)
    var isCommon = true
    for number in 0..<total {
      if distance > 0 && number &+ distance < total { units.prefetch(unit(number &+ distance), of: self) }
      let unit = self.unit(number)
      let verdict = units.decide(unit, of: self, in: &burst)
      if isCommon {
        if let verdict, number == 0 || verdict == common {
          common = verdict
          continue
        }
        isCommon = false
        carryOut(common, unitsBelow: number, &burst)
      }
      carryOut(verdict, unit, &burst)
    }
    guard isCommon else { return }
    if heldCount == 0 && (common.isFinal || areUnitsInOrder(of: burst.count)) {
      burst.decideAll(common)
    } else {
      carryOut(common, unitsBelow: total, &burst)
    }
  }

  /// Whether the units' packets, one unit after the other, are all of a burst as they arrived: so they leave without anybody
  /// saying in which order.
  @inlinable @inline(__always)
  func areUnitsInOrder(of count: Int) -> Bool {
    var index = 0
    for number in 0..<unitCount {
      let unit = self.unit(number)
      guard unit.first == index, isRun(unit) else { return false }
      index &+= unit.count
    }
    return index == count
  }

  /// - Parameter verdict: nil: the packets have theirs.
  @inlinable @inline(__always)
  func carryOut(_ verdict: Verdict?, _ unit: GROUnit, _ burst: inout Burst) {
    guard let verdict else { return forEachPacket(of: unit) { burst.sequence($0) } }
    forEachPacket(of: unit) { index in
      burst[verdict: index] = verdict
      burst.sequence(index)
    }
  }

  @inlinable @inline(never)
  func carryOut(_ verdict: Verdict, unitsBelow end: Int, _ burst: inout Burst) {
    for number in 0..<end { carryOut(verdict, unit(number), &burst) }
  }
}
