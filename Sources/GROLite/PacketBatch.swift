import PacketHeaders

/// A burst of packets, as GRO sees it: an RX burst, a piece of a capture, an array in a test.
///
/// GRO asks for each packet once or twice; nothing is copied and nothing written. `bytes(at:)` is on the packet path: make it
/// `@inlinable`.
///
/// `bytes(at:)` hands out a span that lives as long as the batch is borrowed, so a module with a batch of its own needs
/// `.enableExperimentalFeature("Lifetimes")` in its Swift settings, and keeps the packets in one piece of memory:
///
///     struct Packets: PacketBatch {
///       var storage: [UInt8]
///       var ranges: [Range<Int>]
///       var count: Int { ranges.count }
///
///       @_lifetime(borrow self)
///       func bytes(at index: Int) -> RawSpan { storage.span.bytes.extracting(ranges[index]) }
///     }
public protocol PacketBatch: ~Copyable, ~Escapable {
  /// Packets in the burst, 0…1,024.
  var count: Int { get }

  /// What the packets' first bytes are.
  var link: PacketSummary.LinkLayer { get }

  /// A packet's bytes; of a packet in several pieces the first, which holds all headers.
  ///
  /// - Parameter index: 0 ..< `count`.
  @_lifetime(borrow self)
  func bytes(at index: Int) -> RawSpan

  /// Bytes of a whole packet. More than `bytes(at:)` has where a packet comes in several pieces.
  func packetLength(at index: Int) -> Int

  /// Asks for the cache lines of a packet's headers; called 8 to 16 packets ahead.
  func prefetch(at index: Int)

  /// The same for several packets; by default one after the other.
  ///
  /// - Parameters:
  ///   - range: within 0 ..< `count`; may be empty.
  ///   - isDeep: packets have more than 64 bytes of headers, as far as the last burst tells. If not, one line will do.
  func prefetch(_ range: Range<Int>, isDeep: Bool)

  /// Whether packets have flow tags; by default they don't, and are not asked for.
  var hasFlowTags: Bool { get }

  /// The flow tag in the packet's metadata. All packets of a flow have the same; one without a tag (nil) merges with nothing,
  /// and nothing between its hosts merges across it. Where no packet has one, GRO computes tags (`hasFlowTags`).
  func flowTag(at index: Int) -> FlowTag?
}

extension PacketBatch where Self: ~Copyable, Self: ~Escapable {
  @inlinable public var link: PacketSummary.LinkLayer { .ethernet }

  @inlinable
  public func packetLength(at index: Int) -> Int { bytes(at: index).byteCount }

  @inlinable
  public func prefetch(at index: Int) { bytes(at: index).prefetchHeaders() }

  @inlinable
  public func prefetch(_ range: Range<Int>, isDeep: Bool) {
    for index in range { prefetch(at: index) }
  }

  @inlinable @inline(always)
  public var hasFlowTags: Bool { false }

  @inlinable
  public func flowTag(at index: Int) -> FlowTag? { nil }
}
