public import GROLite
public import XSKEngine

extension GROLite {
  /// Packets ahead whose headers are asked for; and half as far ahead what deciding about them will need.
  @inlinable static var separateDistance: Int { 16 }

  /// Has `units` decide about each packet by itself, in the order of arrival, without merging any.
  ///
  /// As long as all get the same verdict nothing is written (`decide`).
  @inlinable @inline(__always)
  public func decideSeparately<Units: UnitHandler & ~Copyable>(_ burst: inout Burst, _ units: inout Units) {
    let total = burst.count
    let (far, near) = (Self.separateDistance, Self.separateDistance / 2)
    for index in 0..<min(far, total) { burst.packets.prefetch(at: index) }
    for index in 0..<min(near, total) { units.prefetch(alone: index, of: burst.packets) }
    var common = Verdict.drop(.policy)
    var isCommon = true
    for index in 0..<total {
      if index &+ far < total { burst.packets.prefetch(at: index &+ far) }
      if index &+ near < total { units.prefetch(alone: index &+ near, of: burst.packets) }
      let unit = takeAlone(index, burst.packets)
      let verdict = units.decide(unit, of: self, in: &burst)
      if isCommon {
        if let verdict, index == 0 || verdict == common {
          common = verdict
          continue
        }
        isCommon = false
        for former in 0..<index { burst[verdict: former] = common }
      }
      if let verdict { burst[verdict: index] = verdict }
    }
    if isCommon { burst.decideAll(common) }
    burst.count(units: total, packets: total)
  }
}
