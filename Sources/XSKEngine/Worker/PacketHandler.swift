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
  ///
  /// It is also called with an empty burst, once a turn, for a queue that nothing was received on while packets of it are
  /// held: they may be readmitted to it. When `Burst.isDraining` says so the worker is about to stop.
  mutating func handle(_ burst: inout Burst)

  /// Called once a turn if the worker has a local port: composes packets of the handler's own (`Burst.compose`), such as
  /// what a TAP device has to send. As many as `Burst.fit` says, none if there are none.
  mutating func originate(_ burst: inout Burst)

  /// A file descriptor that is readable when there is something to originate; −1: there is none. A sleeping worker wakes up
  /// for it. Asked at the start and at each housekeeping: one that has become useless (its device is gone) would keep the
  /// worker awake.
  var wakeDescriptor: CInt { get }

  /// Packets that it relies on being able to hold at once, over all queues of its worker; 0: none, or it does without. The
  /// worker must have been configured for them (`EngineConfiguration.heldPerQueue`), or the engine does not start.
  var holdLimit: Int { get }

  /// Called about once a millisecond, between bursts: timers, and the release of held packets.
  ///
  /// - Parameter nanoseconds: CLOCK_MONOTONIC.
  mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64)
}

extension PacketHandler where Self: ~Copyable {
  @inlinable public mutating func originate(_ burst: inout Burst) {}

  @inlinable public var wakeDescriptor: CInt { -1 }

  @inlinable public var holdLimit: Int { 0 }

  @inlinable public mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {}
}
