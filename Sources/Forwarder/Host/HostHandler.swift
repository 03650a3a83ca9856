import GROLite
public import XSKEngine

/// The host's stack in place of the port's device: what arrives goes up through a TAP device, coalesced, and what the stack
/// sends there leaves by the port.
public struct HostHandler: PacketHandler, ~Copyable {
  var host: HostPort
  /// One, or none: then each packet goes up alone.
  var gro: FixedArray<GROLite>
  let port: UInt8

  /// - Parameters:
  ///   - queue: the worker's queue of the TAP device.
  ///   - coalesces: whether packets of a flow go up as one super-frame.
  ///   - batch: packets of a burst at most, as the worker is configured.
  ///   - port: where to send what the stack sends.
  public init(_ queue: consuming TapQueue, coalesces: Bool = true, batch: Int = 64, port: UInt8 = 0) throws(XSKError) {
    host = HostPort(queue, batch: batch)
    gro = try FixedArray(count: coalesces ? 1 : 0) { _ throws(XSKError) in
      GROLite(GROConfiguration(mode: .linear, capacity: batch, seed: .random(in: .min ... .max)))
    }
    self.port = port
  }

  public mutating func handle(_ burst: inout Burst) {
    guard gro.count > 0 else {
      for index in 0..<burst.count {
        burst.prefetch(index &+ 4)
        burst[verdict: index] = host.deliver(index, in: burst)
      }
      return
    }
    gro[0].process(burst.packets)
    Self.deliver(unitsOf: gro, to: &host, in: &burst)
    burst.count(units: gro[0].unitCount, packets: burst.count)
  }

  private static func deliver(
    unitsOf gro: borrowing FixedArray<GROLite>, to host: inout HostPort, in burst: inout Burst
  ) {
    for number in 0..<gro[0].unitCount { host.deliver(gro[0].unit(number), of: gro[0], in: &burst) }
  }

  public mutating func originate(_ burst: inout Burst) { host.originate(&burst, .forward(to: port)) }

  public var wakeDescriptor: CInt { host.wakeDescriptor }
}
