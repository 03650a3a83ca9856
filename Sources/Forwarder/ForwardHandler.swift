public import GROLite
public import XSKEngine

/// Joins ports in pairs: what comes in on one leaves by the other, byte for byte. Ports 0 and 1 are a pair, 2 and 3, …
@frozen public struct ForwardHandler: PacketHandler {
  @inlinable public init() {}

  @inlinable public mutating func handle(_ burst: inout Burst) {
    burst.decideAll(.forward(to: burst.port ^ 1))
  }
}

/// The same behind GRO: one decision for an aggregate, whose frames leave one after the other.
@frozen public struct ForwardUnits: UnitHandler {
  @inlinable public init() {}

  @inlinable public mutating func decide(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst
  ) -> Verdict? {
    .forward(to: burst.port ^ 1)
  }
}
