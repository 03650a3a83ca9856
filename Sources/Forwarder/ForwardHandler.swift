public import XSKEngine

/// Joins ports in pairs: what comes in on one leaves by the other, byte for byte. Ports 0 and 1 are a pair, 2 and 3, …
@frozen public struct ForwardHandler: PacketHandler {
  @inlinable public init() {}

  @inlinable public mutating func handle(_ burst: inout Burst) {
    burst.decideAll(.forward(to: burst.port ^ 1))
  }
}
