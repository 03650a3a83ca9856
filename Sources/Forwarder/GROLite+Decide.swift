public import GROLite
public import XSKEngine

extension GROLite {
  /// Has `units` decide about each unit of the last burst, sets its packets' verdicts, and has them leave in the units' order.
  @inlinable @inline(__always)
  public func decide<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    let distance = Units.prefetchDistance
    if distance > 0 {
      for number in 0..<min(distance, unitCount) { units.prefetch(unit(number), of: self) }
    }
    for number in 0..<unitCount {
      if distance > 0 && number &+ distance < unitCount { units.prefetch(unit(number &+ distance), of: self) }
      let unit = self.unit(number)
      guard let verdict = units.decide(unit, of: self, in: &burst) else {
        forEachPacket(of: unit) { burst.sequence($0) }
        continue
      }
      forEachPacket(of: unit) { index in
        burst[verdict: index] = verdict
        burst.sequence(index)
      }
    }
  }
}
