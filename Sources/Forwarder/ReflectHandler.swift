public import PacketHeaders
public import XSKEngine

/// Sends every packet back where it came from, its Ethernet addresses swapped.
@frozen public struct ReflectHandler: PacketHandler {
  @inlinable public init() {}

  @inlinable public mutating func handle(_ burst: inout Burst) {
    // No prefetch: one line of each packet is touched and nothing waits for it, so the core itself looks far enough ahead.
    burst.decideEach(prefetching: 0) { bytes in
      // Too short for two addresses: no Ethernet frame, and nothing that could be sent back.
      guard bytes.byteCount >= 14 else { return .drop(.policy) }
      bytes.swapEthernetAddresses()
      return .reflect
    }
  }
}
