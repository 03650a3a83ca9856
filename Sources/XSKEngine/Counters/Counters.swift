/// The counters of one (device, queue) that a worker owns. All are written by that worker only.
///
/// The raw value is the counter's place in the queue's block of the counter page; values are never reused.
/// `received = forwarded + delivered + held + Σ dropped`, each counted on the queue that the packet came in on.
@frozen public enum QueueCounter: Int, CaseIterable, Sendable {
  case receivedPackets = 0, receivedBytes
  case forwardedPackets, forwardedBytes
  case deliveredPackets, deliveredBytes
  /// A gauge: packets that the handler holds now.
  case heldPackets
  /// Packets and bytes put on this queue's TX ring, whichever queue they came in on.
  case transmittedPackets, transmittedBytes
  /// System calls: sendto(2) to transmit, recvfrom(2) to receive.
  case txKicks, rxKicks
  /// Gauges of the frame ledger: entries of the fill, TX and completion rings, and frames inside the kernel.
  case fillFrames, kernelFrames, txFrames, completionFrames
  /// XDP_STATISTICS, as the kernel counts them (struct xdp_statistics).
  case kernelRXDropped, kernelRXInvalidDescriptors, kernelTXInvalidDescriptors
  case kernelRXRingFull, kernelFillRingEmpty, kernelTXRingEmpty
  /// 0: working. Otherwise the errno that took the queue down.
  case failure

  /// Its name in the counter page: snake case.
  public var name: String {
    switch self {
    case .receivedPackets: "received_packets"
    case .receivedBytes: "received_bytes"
    case .forwardedPackets: "forwarded_packets"
    case .forwardedBytes: "forwarded_bytes"
    case .deliveredPackets: "delivered_packets"
    case .deliveredBytes: "delivered_bytes"
    case .heldPackets: "held_packets"
    case .transmittedPackets: "transmitted_packets"
    case .transmittedBytes: "transmitted_bytes"
    case .txKicks: "tx_kicks"
    case .rxKicks: "rx_kicks"
    case .fillFrames: "fill_frames"
    case .kernelFrames: "kernel_frames"
    case .txFrames: "tx_frames"
    case .completionFrames: "completion_frames"
    case .kernelRXDropped: "rx_dropped"
    case .kernelRXInvalidDescriptors: "rx_invalid_descs"
    case .kernelTXInvalidDescriptors: "tx_invalid_descs"
    case .kernelRXRingFull: "rx_ring_full"
    case .kernelFillRingEmpty: "rx_fill_ring_empty_descs"
    case .kernelTXRingEmpty: "tx_ring_empty_descs"
    case .failure: "failure"
    }
  }
}

/// The counters of one worker as a whole.
@frozen public enum WorkerCounter: Int, CaseIterable, Sendable {
  /// Turns of the loop, and those of them that found no packet.
  case turns = 0, emptyTurns
  /// Time-stamp counter ticks spent in turns that found packets.
  case busyTicks
  /// poll(2) calls.
  case polls
  /// Gauges of the frame ledger: all frames of the UMEM; frames in the pool; frames of packets that the handler holds.
  case framesTotal, framesInPool, framesHeld
  /// CLOCK_MONOTONIC nanoseconds of the last housekeeping: a reader can tell a worker that hangs.
  case heartbeat
  /// What the handler decided about as one (an aggregate, or a lone packet), and the packets in it; 0 unless it coalesces.
  case units = 9, unitPackets = 10
  /// Times that the frame ledger or packet conservation did not add up. Always 0; checked in debug builds.
  case ledgerViolations = 8

  /// Its name in the counter page: snake case.
  public var name: String {
    switch self {
    case .units: "units"
    case .unitPackets: "unit_packets"
    case .turns: "turns"
    case .emptyTurns: "empty_turns"
    case .busyTicks: "busy_ticks"
    case .polls: "polls"
    case .framesTotal: "frames_total"
    case .framesInPool: "frames_in_pool"
    case .framesHeld: "frames_held"
    case .heartbeat: "heartbeat_ns"
    case .ledgerViolations: "ledger_violations"
    }
  }
}
