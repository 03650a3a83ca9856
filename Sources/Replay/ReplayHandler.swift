import Forwarder
import GROLite
import PacketHeaders
import XSKEngine

/// GRO, or none, over the bursts of a capture, and `Units` behind it.
struct ReplayHandler<Units: UnitHandler & ~Copyable>: PacketHandler, ~Copyable {
  private var gro: GROLite
  private let merges: Bool
  private let link: PacketSummary.LinkLayer
  private var units: Units

  /// - Parameters:
  ///   - mode: nil: every packet is a unit of its own.
  ///   - batch: packets of a burst at most.
  init(_ units: consuming Units, mode: GROConfiguration.Mode?, link: PacketSummary.LinkLayer, batch: Int) {
    gro = GROLite(GROConfiguration(mode: mode ?? .chain, capacity: batch))
    merges = mode != nil
    self.link = link
    self.units = units
  }

  mutating func handle(_ burst: inout Burst) {
    CaptureBurst.with(burst, link) { coalesce($0) }
    gro.decide(&burst, &units)
    if merges { burst.count(units: gro.unitCount, packets: burst.count) }
  }

  private mutating func coalesce(_ batch: borrowing CaptureBurst) {
    if merges { gro.process(batch) } else { gro.processSeparately(batch) }
  }
}

/// A transparent wire: every unit is delivered, into the replay's files.
struct DeliveredUnits: UnitHandler {
  let sink: ReplaySink

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    sink.take(unit, of: gro, in: burst)
    return .delivered
  }
}
