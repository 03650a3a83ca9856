public import GROLite
public import XSKEngine

extension GROLite {
  /// Has `units` decide about each unit of the last burst, sets its packets' verdicts, and has them leave in the units' order.
  @inlinable @inline(__always)
  public func decide<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    for number in 0..<unitCount {
      let unit = self.unit(number)
      let verdict = units.decide(unit, of: self, in: &burst)
      forEachPacket(of: unit) { index in
        burst[verdict: index] = verdict
        burst.sequence(index)
      }
    }
  }
}
