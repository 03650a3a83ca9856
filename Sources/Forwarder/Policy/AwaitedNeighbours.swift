import PacketHeaders
import XSKEngine

/// Destinations whose packets wait for a neighbour's MAC address, on their way to whoever can ask for it. Gathered on the packet
/// path, at most a few between two housekeepings: a flow that goes on is noticed again.
struct AwaitedNeighbours: ~Copyable {
  private var destinations: FixedArray<AwaitedDestination>
  private var count = 0
  /// When they were last asked for: CLOCK_MONOTONIC nanoseconds.
  private var asked: UInt64 = 0
  private let resolve: (@Sendable (IPAddress, Int) -> Void)?

  /// - Parameter resolve: asks for a destination's neighbour on a port; nil: nobody can.
  init(_ resolve: (@Sendable (IPAddress, Int) -> Void)?) {
    self.resolve = resolve
    destinations = FixedArray(repeating: AwaitedDestination(), count: 16)
  }

  /// - Parameter key: of a packet that has addresses.
  mutating func add(_ key: FlowKey, port: UInt8) {
    guard count < destinations.count else { return }
    let isIPv6 = key.version == 6
    let address = isIPv6 ? key.destinationIPv6 : UInt128(key.destinationIPv4)
    for place in 0..<count where destinations[place].address == address { return }
    destinations[count] = AwaitedDestination(address: address, isIPv6: isIPv6, port: port)
    count += 1
  }

  /// Asks for them: in housekeeping, a hundred times a second at most, whoever scans a network.
  mutating func ask(now: UInt64) {
    guard count > 0, now &- asked >= 10_000_000 else { return }
    asked = now
    for place in 0..<count {
      let destination = destinations[place]
      let address: IPAddress =
        destination.isIPv6 ? .ipv6(destination.address) : .ipv4(UInt32(truncatingIfNeeded: destination.address))
      resolve?(address, Int(destination.port))
    }
    count = 0
  }
}

struct AwaitedDestination: BitwiseCopyable {
  var address: UInt128 = 0
  var isIPv6 = false
  var port: UInt8 = 0
}
