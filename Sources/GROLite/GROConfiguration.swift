/// How a `GROLite` works. The defaults merge within a burst, as chains, and hold nothing back.
@frozen public struct GROConfiguration: Sendable {
  /// What an aggregate is made for.
  @frozen public enum Mode: UInt8, Sendable {
    /// Forwarding: an aggregate is the chain of its frames. No payload is read.
    case chain
    /// Delivery to a host or a VM: an aggregate can be gathered into one super-frame. Checksums are verified before
    /// merging.
    case linear
  }

  /// Chain or linear.
  public var mode: Mode
  /// Packets of a burst at most, held ones included: 1…1,024.
  public var capacity: Int
  /// Nanoseconds that a packet may be held for the next bursts to continue its aggregate. 0: never hold. 15,000…100,000
  /// are sensible.
  public var holdTime: UInt64
  /// Packets held at most, 0…`capacity` / 2.
  public var holdLimit: Int
  /// Seeds the software flow tag. A secret one keeps senders from aiming at one bucket.
  public var seed: UInt64
  /// Packets that headers are prefetched ahead; 8 to 16 is best where frames come from memory.
  public var prefetchDistance: Int

  @inlinable
  public init(
    mode: Mode = .chain, capacity: Int = 1024, holdTime: UInt64 = 0, holdLimit: Int = 256, seed: UInt64 = 0,
    prefetchDistance: Int = 12
  ) {
    (self.mode, self.capacity, self.holdTime, self.holdLimit) = (mode, capacity, holdTime, holdLimit)
    (self.seed, self.prefetchDistance) = (seed, prefetchDistance)
  }
}
