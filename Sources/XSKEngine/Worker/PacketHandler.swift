/// What a worker does with packets. One instance a worker, made and used on the worker's own thread only.
///
/// A handler is a struct that the worker is generic over, so that it compiles into the worker's loop. Mark `handle`
/// `@inlinable` (with `@frozen` storage) when it lives in another module than the program.
///
///     struct DropAll: PacketHandler {
///       mutating func handle(_ burst: inout Burst) { burst.decideAll(.drop(.policy)) }
///     }
public protocol PacketHandler: ~Copyable {
  /// Decides every packet of a burst. Must not block, allocate, or keep references to packet bytes.
  mutating func handle(_ burst: inout Burst)

  /// Called about once a millisecond, between bursts: timers, and the release of held packets.
  ///
  /// - Parameter nanoseconds: CLOCK_MONOTONIC.
  mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64)
}

extension PacketHandler where Self: ~Copyable {
  @inlinable public mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {}
}
