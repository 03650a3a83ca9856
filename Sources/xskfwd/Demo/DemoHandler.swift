import XSKEngine

/// The demo's policy: ports 0 and 1 are joined, whatever comes in on port 2 is the flood.
struct DemoHandler: PacketHandler {
  static let floodPort: UInt8 = 2

  mutating func handle(_ burst: inout Burst) {
    burst.decideAll(burst.port == Self.floodPort ? .drop(.policy) : .forward(to: burst.port ^ 1))
  }
}
