import Testing

@testable import XSKEngine

/// A counter page that nobody else reads: the one place where the tests make one.
func makeCounterPage(
  for devices: [SimulatedDevice], spares: Int = 0, localPort: String? = nil
) throws -> CounterPage {
  try CounterPage(simulated: devices, spares: spares, localPort: localPort)
}

/// A handler made of closures, so that a scenario states its decisions where it is written.
struct ScriptedHandler: PacketHandler {
  var decide: (inout Burst) -> Void
  var tick: (inout HeldPackets) -> Void = { _ in }
  var compose: (inout Burst) -> Void = { _ in }

  mutating func originate(_ burst: inout Burst) { compose(&burst) }
  mutating func handle(_ burst: inout Burst) { decide(&burst) }
  mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) { tick(&held) }
}

/// A worker on simulated devices, port n on device n, stepped by the test; and both invariants of the engine.
final class SimulatedRig {
  let umem: UMEM
  let devices: [SimulatedDevice]
  /// The worker has a local port behind those, on which `compose` originates packets.
  let hasLocalPort: Bool
  /// Empty ports behind the devices.
  let spares: Int
  let counters: CounterPage
  let control: WorkerControl
  var nics: FixedArray<SimulatedNIC>
  var worker: Worker<ScriptedHandler>

  init(
    ports: Int = 1, spares: Int = 0, rings: RingSizes = RingSizes(receive: 64, transmit: 64), startIndex: UInt32 = 0,
    needsWakeup: Bool = true, umem: UMEMConfiguration = UMEMConfiguration(frames: 512),
    _ configuration: WorkerConfiguration = WorkerConfiguration(idle: .spin, drainMilliseconds: 20),
    control: WorkerControl = WorkerControl(), tick: @escaping (inout HeldPackets) -> Void = { _ in },
    compose: ((inout Burst) -> Void)? = nil,
    decide: @escaping (inout Burst) -> Void
  ) throws {
    let memory = try UMEM(umem)
    let devices = try (0..<ports).map {
      try SimulatedDevice(name: "sim\($0)", rings: rings, startIndex: startIndex)
    }
    self.umem = memory
    self.control = control
    self.devices = devices
    hasLocalPort = compose != nil
    self.spares = spares
    counters = try makeCounterPage(for: devices, spares: spares, localPort: hasLocalPort ? "own" : nil)
    nics = try FixedArray(count: ports) { port in
      SimulatedNIC(devices[port], umem: memory, needsWakeup: needsWakeup)
    }
    worker = Worker(
      try WorkerParts(
        simulated: devices, spares: spares, hasLocalPort: hasLocalPort, umem: memory, counters: counters,
        configuration: configuration,
        control: control),
      handler: ScriptedHandler(decide: decide, tick: tick, compose: compose ?? { _ in }))
  }

  /// One turn of the worker, then every NIC transmits what it was told to.
  @discardableResult
  func step(_ transmitted: (Int, RawSpan, Bool) -> Void = { _, _, _ in }) -> Int {
    let packets = worker.turn()
    for port in 0..<nics.count { nics[port].transmit { transmitted(port, $0, $1) } }
    return packets
  }

  // The NICs are noncopyable, which #expect can't look into: these stand between.

  /// One packet, copied into as many frames as it needs.
  @discardableResult
  func receive(_ packet: [UInt8], on port: Int = 0) -> Bool { nics[port].receive(packet) }
  /// A descriptor as it is, true or not.
  func receive(raw descriptor: Descriptor, on port: Int = 0) -> Bool { nics[port].receive(raw: descriptor) }
  /// Packets of one frame whose bytes nobody looks at.
  @discardableResult
  func receive(count: Int, length: UInt32 = 60, on port: Int = 0) -> Int {
    nics[port].receive(count: count, length: length)
  }
  func takeFrame(on port: Int = 0) -> UInt64? { nics[port].takeFrame() }
  func complete(raw address: UInt64, on port: Int = 0) -> Bool { nics[port].complete(raw: address) }
  @discardableResult
  func transmit(limit: Int = .max, on port: Int = 0) -> Int { nics[port].transmit(limit: limit) }

  func receivedPackets(_ slot: Int = 0) -> UInt64 { counters.queue(slot: slot).get(.receivedPackets) }
  func forwarded(_ slot: Int = 0) -> UInt64 { counters.queue(slot: slot).get(.forwardedPackets) }
  func dropped(_ reason: DropReason, _ slot: Int = 0) -> UInt64 { counters.queue(slot: slot).dropped(reason) }
  func count(_ counter: QueueCounter, _ slot: Int = 0) -> UInt64 { counters.queue(slot: slot).get(counter) }

  /// Frames in the pool, and those that a queue's two sides have.
  var pooled: Int { worker.parts.core.burst.pool.count }
  func receiveFrames(_ slot: Int = 0) -> Int { worker.parts.core.queues[slot].receiveFrames }
  func transmitFrames(_ slot: Int = 0) -> Int { worker.parts.core.queues[slot].transmitFrames }
  var heldFrames: Int { worker.parts.core.burst.held.frameCount }
  func isUp(_ slot: Int) -> Bool { worker.parts.core.queues[slot].isUp }
  func setMaximumLength(_ length: Int, _ slot: Int) { worker.parts.core.queues[slot].maximumLength = length }

  /// Checks, exactly, that no frame and no packet was lost or doubled: the ledger as the worker keeps it, the owners'
  /// table, the pool's content, and each queue's packets. Between turns only.
  func expectInvariants(_ location: SourceLocation = #_sourceLocation) {
    let owners = (0..<devices.count + spares).map { slot in
      (
        received: worker.parts.core.owners.count(of: FrameOwners.receive(slot)),
        transmitted: worker.parts.core.owners.count(of: FrameOwners.transmit(slot))
      )
    }
    var total = pooled + heldFrames
    for slot in 0..<devices.count + spares {
      total += receiveFrames(slot) + transmitFrames(slot)
      #expect(owners[slot].received == receiveFrames(slot), "receive side of queue \(slot)", sourceLocation: location)
      #expect(
        owners[slot].transmitted == transmitFrames(slot), "transmit side of queue \(slot)", sourceLocation: location)
      expectConservation(slot, location)
    }
    if hasLocalPort { expectConservation(devices.count + spares, location) }
    #expect(total == umem.layout.frameCount, "frame ledger", sourceLocation: location)
    let mine = worker.parts.core.owners.count(of: FrameOwners.worker)
    #expect(mine == pooled + heldFrames, "the worker's own frames", sourceLocation: location)
    #expect(
      Set(worker.parts.core.burst.pool.frameAddresses).count == pooled, "a frame twice in the pool",
      sourceLocation: location)
  }

  private func expectConservation(_ slot: Int, _ location: SourceLocation) {
    let held = UInt64(worker.parts.core.burst.held.count(slot: slot))
    let dropped = counters.queue(slot: slot).droppedTotal
    let explained = forwarded(slot) + count(.deliveredPackets, slot) + held + dropped
    #expect(receivedPackets(slot) == explained, "packets of queue \(slot)", sourceLocation: location)
  }

  /// Drains the worker, the NICs answering to nobody; both invariants, and the worker's own check of them.
  func drainAlone(_ location: SourceLocation = #_sourceLocation) {
    worker.drain()
    expectInvariants(location)
    #expect(counters.worker(index: 0).get(.ledgerViolations) == 0, sourceLocation: location)
  }

  /// Steps until nothing is under way any more, at most `limit` times, and expects that nothing is.
  func settle(limit: Int = 100, _ location: SourceLocation = #_sourceLocation) {
    for _ in 0..<limit {
      step()
      expectInvariants(location)
      if worker.parts.core.isDrained { return }
    }
    Issue.record("still under way after \(limit) turns", sourceLocation: location)
  }
}

extension FramePool {
  /// The frames in the pool, the next to go out last.
  var frameAddresses: [UInt64] {
    // Safe: the first `count` of `capacity` places.
    (0..<count).map { unsafe frames[$0] }
  }
}

/// A packet whose every byte follows from its number.
func patterned(_ number: Int, length: Int) -> [UInt8] {
  (0..<length).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0 &* 7) }
}

extension RawSpan {
  var array: [UInt8] {
    // Safe: any bit pattern is a byte; the range is the span's own.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}

/// A small generator that gives the same numbers every time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// The sentence that `body` fails with; nil if it does not fail.
func problem(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
