/// What packets of a worker's own may take in this turn: the worker says, `Burst.compose` spends it.
@usableFromInline struct ComposeRoom: ~Copyable {
  /// Packets, as many as any burst may have.
  @usableFromInline var packets = 0
  /// Frames of the pool: for as many descriptors as a burst has room for, whatever `packets` is. A packet may take several.
  @usableFromInline var frames = 0
  /// By port: places in the TX ring that its packets would leave by. `Int.max` where there is none: what goes there is
  /// dropped under its own reason, and waits for nothing.
  @usableFromInline var rings: FixedArray<Int>
  /// By port: how many places that ring has.
  @usableFromInline var ringSizes: FixedArray<Int>

  init(ports: Int) {
    rings = FixedArray(repeating: .max, count: ports)
    ringSizes = FixedArray(repeating: .max, count: ports)
  }

  /// The port that a verdict sends to; nil if it sends nowhere, or to a port that there is not.
  @inlinable func port(of verdict: Verdict) -> Int? {
    guard verdict.kind == .forward, Int(verdict.argument) < rings.count else { return nil }
    return Int(verdict.argument)
  }

  /// Frames that a packet with this verdict may have now.
  @inlinable func room(for verdict: Verdict) -> Int {
    guard packets > 0 else { return 0 }
    guard let port = port(of: verdict) else { return frames }
    return min(frames, rings[port])
  }

  /// Frames that a packet with this verdict could have at best.
  @inlinable func most(for verdict: Verdict) -> Int { port(of: verdict).map { ringSizes[$0] } ?? .max }

  mutating func spend(_ count: Int, for verdict: Verdict) {
    packets -= 1
    frames -= count
    if let port = port(of: verdict), rings[port] < .max { rings[port] -= count }
  }
}

/// Whether a packet of the worker's own can be composed (`Burst.fit`).
@frozen public enum ComposeFit: Sendable {
  /// There is room.
  case now
  /// There is none in this turn.
  case later
  /// No turn will have room: it takes more frames than a packet, the UMEM or the TX ring has.
  case never
}

extension WorkerCore {
  /// Room of this turn for packets of the worker's own.
  mutating func makeComposeRoom() {
    let most = max(batch, Burst.maximumFragments)
    burst.composeRoom.packets = batch
    burst.composeRoom.frames = min(most, burst.pool.count)
    for port in 0..<burst.composeRoom.rings.count {
      let slot = Int(egress[localSlot &* 256 &+ port])
      guard slot >= 0, queues[slot].isUp else {
        burst.composeRoom.rings[port] = .max
        burst.composeRoom.ringSizes[port] = .max
        continue
      }
      burst.composeRoom.rings[port] = Int(queues[slot].transmit.room(for: UInt32(truncatingIfNeeded: most)))
      burst.composeRoom.ringSizes[port] = Int(queues[slot].transmit.size)
    }
  }
}
