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

  /// Why it drops the packet; nil: it does not.
  @inlinable public var dropReason: DropReason? { kind == .drop ? DropReason(rawValue: argument) : nil }

  /// The port that it forwards to; nil: it does not.
  @inlinable public var egressPort: UInt8? { kind == .forward ? argument : nil }

  /// The packet leaves by a port.
  @inlinable @inline(__always) public var isTransmitted: Bool { hasKind(.forward) || hasKind(.reflect) }

  /// The packet ends here: it does not leave by any port, and is not held.
  @inlinable @inline(__always) public var isFinal: Bool { hasKind(.drop) || hasKind(.deliver) }

  @inlinable @inline(__always) func hasKind(_ kind: Kind) -> Bool { rawValue &>> 8 == UInt16(kind.rawValue) }

  /// Set by `Burst.hold`: the packet stays with the handler.
  @inlinable static var held: Verdict { Verdict(kind: .held, argument: 0) }
}

extension FixedArray<Verdict>.View {
  /// The end of the run of `verdict` that begins at `start`, at most `count`: four verdicts compared at a time.
  @inline(__always) func endOfRun(of verdict: Verdict, from start: Int, count: Int) -> Int {
    precondition(start >= 0 && count <= self.count)
    let four = UInt64(verdict.rawValue) &* 0x0001_0001_0001_0001
    var end = start &+ 1
    while end &+ 4 <= count {
      // Safe: four verdicts, eight bytes, lie between `end` and `count`.
      let next = unsafe UnsafeRawPointer(base + end).loadUnaligned(as: UInt64.self)
      let difference = next ^ four
      // Verdicts lie in memory in order, lowest first: the first that differs has the lowest set bits.
      guard difference == 0 else { return end &+ difference.trailingZeroBitCount &>> 4 }
      end &+= 4
    }
    while end < count, unsafe base[end] == verdict { end &+= 1 }
    return end
  }
}
