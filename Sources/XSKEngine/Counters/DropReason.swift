/// Why a received packet was neither forwarded, delivered, nor held. Every dropped packet has exactly one.
///
/// The raw value is the reason's place in a queue's block of the counter page; values are never reused.
@frozen public enum DropReason: UInt8, CaseIterable, Sendable {
  /// The handler's decision: the packet was unwanted.
  case policy = 0
  /// The egress TX ring had no room: the far end, or the kernel's transmit path, is slower than what arrives.
  case txRingFull = 1
  /// The kernel (or whoever shares the rings) named bytes outside the UMEM or across a chunk.
  case invalidDescriptor = 2
  /// A packet of more descriptors than a burst takes (`Burst.maximumFragments`, 32), or than the kernel transmits (18):
  /// chunks are too small, or their headroom too large, for the MTU.
  case tooManyFragments = 3
  /// The verdict named a port that this worker has no queue on.
  case noSuchPort = 4
  /// The egress port's device is gone or its socket failed.
  case portDown = 5
  /// The handler asked to hold more packets than were configured.
  case holdLimit = 6
  /// A packet was still held by the handler when the engine stopped.
  case shutdown = 7
  /// The handler asked to forward a packet that is too large for the egress port's MTU.
  case exceedsMTU = 8
  /// A packet of the worker's own found no free frame, or no room in the TX rings.
  case noFrame = 9

  /// Its name in counters, summaries and metrics.
  public var name: String {
    switch self {
    case .policy: "policy"
    case .txRingFull: "tx_ring_full"
    case .invalidDescriptor: "invalid_descriptor"
    case .tooManyFragments: "too_many_fragments"
    case .noSuchPort: "no_such_port"
    case .portDown: "port_down"
    case .holdLimit: "hold_limit"
    case .shutdown: "shutdown"
    case .exceedsMTU: "exceeds_mtu"
    case .noFrame: "no_frame"
    }
  }
}
