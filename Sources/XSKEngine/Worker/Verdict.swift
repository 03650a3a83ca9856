/// What a handler decides for one packet.
@frozen public struct Verdict: Hashable, Sendable {
  /// The kind in the upper byte, its argument in the lower: two bytes, so that runs of equal verdicts compare fast.
  @usableFromInline let rawValue: UInt16

  @inlinable init(kind: Kind, argument: UInt8) {
    rawValue = UInt16(kind.rawValue) &<< 8 | UInt16(argument)
  }

  @frozen @usableFromInline enum Kind: UInt8 {
    case drop, forward, reflect, deliver, held
  }

  @inlinable var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue &>> 8)) ?? .drop }
  @inlinable var argument: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

  /// The frame returns to the pool, counted under `reason`.
  @inlinable public static func drop(_ reason: DropReason) -> Verdict {
    Verdict(kind: .drop, argument: reason.rawValue)
  }

  /// The packet is transmitted on a port, as its bytes are now. Ports are numbered in the engine's order.
  @inlinable public static func forward(to port: UInt8) -> Verdict { Verdict(kind: .forward, argument: port) }

  /// The packet is transmitted on the queue that it came in on, as its bytes are now.
  @inlinable public static var reflect: Verdict { Verdict(kind: .reflect, argument: 0) }

  /// The handler has taken the packet's bytes where they belong (a socket, a file); the frame returns to the pool.
  @inlinable public static var delivered: Verdict { Verdict(kind: .deliver, argument: 0) }

  /// Set by `Burst.hold`: the packet stays with the handler.
  @inlinable static var held: Verdict { Verdict(kind: .held, argument: 0) }
}
