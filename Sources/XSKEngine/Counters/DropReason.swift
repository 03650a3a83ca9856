/// Why a received packet was neither forwarded, delivered, nor held. Every dropped packet has exactly one.
///
/// The raw value is the reason's place in a queue's block of the counter page; values are never reused.
///
/// | values | whose |
/// |---|---|
/// | 0…31 | the engine's own, named below |
/// | 32…95 | those of the handlers that come with the engine |
/// | 96…255 | the deployment's (`custom`) |
///
/// What lies beyond the engine's own gets its name from `EngineConfiguration.reasonNames`.
@frozen public struct DropReason: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A reason of the deployment's.
  ///
  /// - Parameter number: 0…159.
  @inlinable public static func custom(_ number: Int) -> DropReason {
    precondition((0..<customCount).contains(number), "reasons of the deployment number 160")
    return DropReason(rawValue: UInt8(96 + number))
  }

  /// How many reasons the deployment may have.
  @inlinable public static var customCount: Int { 160 }
}

extension DropReason {
  /// The handler's decision: the packet was unwanted.
  @inlinable public static var policy: DropReason { DropReason(rawValue: 0) }
  /// The egress TX ring had no room: the far end, or the kernel's transmit path, is slower than what arrives.
  @inlinable public static var txRingFull: DropReason { DropReason(rawValue: 1) }
  /// The kernel (or whoever shares the rings) named bytes outside the UMEM or across a chunk.
  @inlinable public static var invalidDescriptor: DropReason { DropReason(rawValue: 2) }
  /// A packet of more descriptors than a burst takes (`Burst.maximumFragments`, 32), or than the kernel transmits (18):
  /// chunks are too small, or their headroom too large, for the MTU.
  @inlinable public static var tooManyFragments: DropReason { DropReason(rawValue: 3) }
  /// The verdict named a port that this worker has no queue on.
  @inlinable public static var noSuchPort: DropReason { DropReason(rawValue: 4) }
  /// The egress port's device is gone or its socket failed.
  @inlinable public static var portDown: DropReason { DropReason(rawValue: 5) }
  /// The handler asked to hold more packets than were configured.
  @inlinable public static var holdLimit: DropReason { DropReason(rawValue: 6) }
  /// A packet was still held by the handler when the engine stopped.
  @inlinable public static var shutdown: DropReason { DropReason(rawValue: 7) }
  /// The handler asked to forward a packet that is too large for the egress port's MTU.
  @inlinable public static var exceedsMTU: DropReason { DropReason(rawValue: 8) }
  /// A packet of the worker's own found no free frame, or no room in the TX rings.
  @inlinable public static var noFrame: DropReason { DropReason(rawValue: 9) }

  /// The engine's own reasons and their names in counters, summaries and metrics, by raw value.
  static let names: [String] = [
    "policy", "tx_ring_full", "invalid_descriptor", "too_many_fragments", "no_such_port", "port_down",
    "hold_limit", "shutdown", "exceeds_mtu", "no_frame",
  ]

  /// The engine's own reasons.
  public static let own: [DropReason] = names.indices.map { DropReason(rawValue: UInt8($0)) }

  /// Its name if it is one of the engine's own, else its number.
  public var name: String { Int(rawValue) < Self.names.count ? Self.names[Int(rawValue)] : "reason_\(rawValue)" }
}
