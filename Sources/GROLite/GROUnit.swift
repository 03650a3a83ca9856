public import PacketHeaders

/// What a pipeline decides about as one: an aggregate of one flow, or a lone packet.
///
/// Its packets are `count` links of a chain that begins at `first`; `GROLite.next(after:)` goes along it. Their order is that
/// of TCP's sequence numbers, or of arrival.
@frozen public struct GROUnit: Sendable {
  /// How it may be delivered.
  @frozen public enum Form: UInt8, Sendable {
    /// One packet, as it came.
    case lone
    /// Frames of one flow, to be decided on once and sent one by one.
    case chain
    /// Frames of one flow with verified checksums, to be sent one by one or as one super-frame
    /// (`GROLite.writeSuperFrameHeader`).
    case linear
  }

  @usableFromInline var firstIndex: UInt16
  @usableFromInline var packetCount: UInt16
  @usableFromInline var firstPayload: UInt16
  /// By how many bytes the last segment is shorter than the others.
  @usableFromInline var shortfall: UInt16
  /// Payload that may still be added; 0: closed.
  @usableFromInline var room: UInt16
  /// The arrival index that it is delivered at.
  @usableFromInline var placeIndex: UInt16
  /// The next unit of the same flow and epoch.
  @usableFromInline var successor: UInt16
  /// By how much the IPv4 identification grows, plus 1; of a unit of one packet of no meaning.
  @usableFromInline var step: UInt8
  /// PSH and FIN of all segments, where TCP has them, and the two marks below.
  @usableFromInline var marks: UInt8

  @inlinable static var linearMark: UInt8 { 0x40 }
  @inlinable static var heldMark: UInt8 { 0x80 }

  /// A unit of one packet.
  @inlinable @inline(always)
  init(_ index: Int, payload length: UInt16, room: UInt16 = 0, marks: UInt8 = 0) {
    // Two stores instead of nine. The fields in the order that they have in memory; nine integers fill the 16 bytes, and any
    // bits are a value of each.
    let place = UInt64(UInt16(truncatingIfNeeded: index))
    let first = place | 1 &<< 16 | UInt64(length) &<< 32
    let second = UInt64(room) | place &<< 16 | 0xFFFF &<< 32 | UInt64(marks) &<< 56
    self = unsafe unsafeBitCast((first, second), to: GROUnit.self)
  }

  /// One packet as a unit, whatever unit GRO has put it in: for who decides about packets one by one.
  ///
  /// - Parameters:
  ///   - index: in the burst.
  ///   - summary: of this packet.
  @inlinable public init(lone index: Int, _ summary: PacketSummary) {
    self.init(index, payload: summary.payloadLength)
  }

  @inlinable var mayBeLinear: Bool { marks & Self.linearMark != 0 }
  @inlinable var isHeld: Bool { marks & Self.heldMark != 0 }
  /// PSH and FIN of all segments.
  @inlinable var lateFlags: UInt8 { marks & 0x09 }

  /// The burst's index of its first packet.
  @inlinable public var first: Int { Int(firstIndex) }
  /// Its packets, 1…1,024.
  @inlinable public var count: Int { Int(packetCount) }
  /// The place in the burst that it is delivered at: the earliest arrival among its packets, or among those that follow in
  /// its flow if sorting moved it before them.
  @inlinable public var place: Int { Int(placeIndex) }
  /// Payload bytes of every segment but the last, which may have fewer: the GSO size. Of a packet that is not TCP or UDP:
  /// what its IP header carries.
  @inlinable public var segmentSize: Int { Int(firstPayload) }
  /// Payload bytes of all packets together.
  @inlinable public var payloadLength: Int { count &* segmentSize &- Int(shortfall) }
  @inlinable public var form: Form { packetCount == 1 ? .lone : mayBeLinear ? .linear : .chain }
  /// IPv4: by how much the identification grows from packet to packet, 0 or 1.
  @inlinable public var identificationStep: Int { packetCount == 1 ? 0 : Int(step) &- 1 }
}
