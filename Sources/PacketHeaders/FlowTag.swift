/// A packet's flow in 16 bits: a hint that turns the search for its flow into a direct index.
///
///      15      14     13                        0
///     ┌───────┬─────┬────────────────────────────┐
///     │ start │ end │          flow id           │
///     └───────┴─────┴────────────────────────────┘
///
/// It comes from packet metadata where the XDP program or the NIC supplies a hash, else from the flow key. Whoever uses it
/// compares headers as well: two flows may share an id.
@frozen public struct FlowTag: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16

  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// - Parameters:
  ///   - id: the flow id; only its low 14 bits count.
  ///   - start: this packet begins an aggregate: it must not be appended to one.
  ///   - end: this packet ends its aggregate: nothing may be appended to it.
  @inlinable @inline(always)
  public init(id: UInt16, start: Bool = false, end: Bool = false) {
    rawValue = id & Self.idMask | (start ? 0x8000 : 0) | (end ? 0x4000 : 0)
  }

  /// The software tag of a flow key.
  @inlinable @inline(always)
  public init(_ key: FlowKey, seed: UInt64 = 0) {
    self.init(id: UInt16(truncatingIfNeeded: key.hash(seed: seed)))
  }

  /// The tag of a hash that a NIC or the XDP program computed (for example the RX hash of the packet's metadata).
  @inlinable
  public init(hash: UInt32) {
    self.init(id: UInt16(truncatingIfNeeded: hash ^ hash &>> 16))
  }

  @inlinable public static var idMask: UInt16 { 0x3FFF }
  /// How many flow ids there are.
  @inlinable public static var idCount: Int { 1 << 14 }
  /// 0 ..< 16,384.
  @inlinable public var id: UInt16 { rawValue & Self.idMask }
  @inlinable public var isStart: Bool { rawValue & 0x8000 != 0 }
  @inlinable public var isEnd: Bool { rawValue & 0x4000 != 0 }
}
