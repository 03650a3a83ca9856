import GROLite
import XSKEngine

/// A worker's connections to the host's stack: for some ports a TAP device that stands in the port's place.
struct HostPorts: ~Copyable {
  private var hosts: FixedArray<HostPort>
  /// The port that each stands for.
  private let ports: FixedArray<UInt8>
  /// The place in `hosts` for each of 256 ports; −1: the port has none.
  private let places: FixedArray<Int16>
  private let wake: WakeSet?
  /// Where there is no stack: what would go to it counts as delivered.
  private let isPretended: Bool

  /// - Parameters:
  ///   - devices: the TAP device of each port; nil: it has none.
  ///   - worker: whose queue of each it is to be.
  ///   - batch: packets of a burst at most.
  init(_ devices: [TapDevice?], worker: Int, batch: Int, isPretended: Bool = false) throws(XSKError) {
    self.isPretended = isPretended
    let standing = devices.enumerated().compactMap { port, device in device.map { (UInt8(port), $0) } }
    let hosts = try FixedArray(count: standing.count) { place throws(XSKError) in
      HostPort(try standing[place].1.queue(worker), batch: batch)
    }
    let wake = try Self.wakeSet(hosts)
    var places = [Int16](repeating: -1, count: 256)
    for (place, (port, _)) in standing.enumerated() { places[Int(port)] = Int16(place) }
    self.hosts = hosts
    self.wake = wake
    self.places = FixedArray(places)
    ports = FixedArray(standing.map(\.0))
  }

  private static func wakeSet(_ hosts: borrowing FixedArray<HostPort>) throws(XSKError) -> WakeSet? {
    guard hosts.count > 1 else { return nil }
    let set = try WakeSet()
    for place in 0..<hosts.count { try set.add(hosts[place].wakeDescriptor) }
    return set
  }

  /// Readable when one of the stack's devices has something to send; −1: there is none.
  var wakeDescriptor: CInt { wake?.descriptor ?? (hosts.count == 1 ? hosts[0].wakeDescriptor : -1) }

  /// Hands a unit to the stack; the verdict of all of its packets, or nil: they have theirs.
  mutating func deliver(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    let place = Int(places[Int(burst.port)])
    guard place >= 0 else { return isPretended ? .delivered : .drop(.noHost) }
    hosts[place].deliver(unit, of: gro, in: &burst)
    return nil
  }

  /// Hands a packet to the stack.
  mutating func deliver(_ index: Int, in burst: inout Burst) -> Verdict {
    let place = Int(places[Int(burst.port)])
    guard place >= 0 else { return isPretended ? .delivered : .drop(.noHost) }
    return hosts[place].deliver(index, in: burst)
  }

  /// Has what the stack sends leave by the ports that its devices stand for.
  mutating func originate(_ burst: inout Burst) {
    for place in 0..<hosts.count { hosts[place].originate(&burst, .forward(to: ports[place])) }
  }
}
