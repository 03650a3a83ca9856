public import XSKEngine

/// Drops every packet: the first line of a scrubber, and the measure of how fast packets can be taken at all.
@frozen public struct DropHandler: PacketHandler {
  @inlinable public init() {}

  @inlinable public mutating func handle(_ burst: inout Burst) {
    burst.decideAll(.drop(.policy))
  }
}
