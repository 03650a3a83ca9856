import Forwarder
import XSKEngine

/// The whole pipeline between two simulated ports, and a NIC that does what NICs should not.
struct SimulatedSoak: ~Copyable {
  private var dice: SeededNumbers
  private let devices: [SimulatedDevice]
  private let umem: UMEM
  private let counters: CounterPage
  private let pipeline: Pipeline
  private var worker: Worker<CoalescingHandler<PipelineHandler>>
  private var ingress: SimulatedNIC
  private var egress: SimulatedNIC
  private var traffic: SoakTraffic
  /// Of each flow the number of the packet that left last, and one more.
  private var seen = [UInt32](repeating: 0, count: SoakTraffic.flows)
  private var arrived = 0
  private var sabotage: SoakBenchmark.Sabotage?

  init(seed: UInt64, sabotage: SoakBenchmark.Sabotage? = nil) throws(XSKError) {
    self.sabotage = sabotage
    var dice = SeededNumbers(seed: seed)
    let holds = dice.next() % 2 == 0
    let umem = try UMEM(UMEMConfiguration(frames: 2048, unaligned: dice.next() % 4 == 0))
    let rings = RingSizes(receive: 256, transmit: 128, fill: 512, completion: 128)
    // Indices near their wrap.
    let devices = [
      try SimulatedDevice(name: "sim0", rings: rings, startIndex: 0xFFFF_F000),
      try SimulatedDevice(name: "sim1", rings: rings, startIndex: 0xFFFF_F800),
    ]
    let counters = try CounterPage(
      simulated: devices, localPort: "local", reasonNames: SoakPolicy.reasonNames)
    let pipeline = Pipeline(try SoakPolicy.make(0, routes: true))
    let batch = [64, 32, 13][Int(dice.next() % 3)]
    let parts = try WorkerParts(
      simulated: devices, hasLocalPort: true, umem: umem, counters: counters,
      configuration: WorkerConfiguration(batch: batch, idle: .spin, drainMilliseconds: 20))
    let traffic = try SoakTraffic()
    let handler = try pipeline.handler(queues: 3)
    worker = Worker(parts, handler: handler)
    ingress = SimulatedNIC(devices[0], umem: umem, needsWakeup: holds)
    egress = SimulatedNIC(devices[1], umem: umem, needsWakeup: holds)
    self.traffic = traffic
    (self.dice, self.devices, self.umem, self.counters, self.pipeline) = (dice, devices, umem, counters, pipeline)
    worker.turn()
  }

  mutating func run(seconds: Double, _ tally: inout SoakTally) throws {
    let end = TimestampClock.monotonicNanoseconds + UInt64(seconds * 1e9)
    var turns = 0
    var lost = 0
    while TimestampClock.monotonicNanoseconds < end {
      for _ in 0..<50 {
        arrive()
        worker.turn()
        try transmit()
        turns += 1
        if turns % 8 == 0 { misbehave(&lost, &tally) }
        if turns % 64 == 0 { worker.housekeeping() }
      }
      if dice.next() % 4 == 0 { try reload(&tally) }
      try checkViolations()
    }
    try settle()
    tally.simulatedPackets += arrived
  }

  /// A few packets: of one flow in a row, or of all; some damaged.
  private mutating func arrive() {
    let count = Int(dice.next() % 40)
    let train = 1 + Int(dice.next() % 8)
    var flow = 0
    for number in 0..<count {
      if number % train == 0 { flow = Int(dice.next() % UInt64(SoakTraffic.flows)) }
      let draw = dice.next()
      let size = draw % 4 == 0 ? 1400 : Int(draw >> 8 % 200)
      var packet = traffic.packet(flow: flow, size: min(size, 1400))
      if draw >> 32 % 50 == 0 { damage(&packet) }
      if ingress.receive(packet) { arrived += 1 }
    }
  }

  /// Cut short, or with bits turned in its headers.
  private mutating func damage(_ packet: inout [UInt8]) {
    let draw = dice.next()
    if draw % 2 == 0 {
      packet.removeLast(Int(draw >> 8) % (packet.count - 1))
    } else {
      for _ in 0..<4 { packet[Int(dice.next() % 54) % packet.count] ^= UInt8(truncatingIfNeeded: dice.next()) }
    }
    // Its tag must not be taken for that of a whole one.
    if packet.count > 60 { for index in 54..<min(packet.count, 80) { packet[index] = 0xEE } }
    if packet.count > 42 { for index in 42..<min(packet.count, 54) { packet[index] = 0xEE } }
  }

  private mutating func transmit() throws {
    var fault: SoakFault?
    var seen = self.seen
    var sabotage = self.sabotage
    _ = egress.transmit(limit: Int(dice.next() % 80)) { bytes, _ in
      guard let tag = SoakTraffic.tag(of: bytes) else { return }
      if !tag.isIntact || sabotage == .damage {
        fault = SoakFault("simulated", "packet \(tag.number) of flow \(tag.flow) left damaged")
      }
      if tag.number < seen[tag.flow] {
        fault = SoakFault(
          "simulated", "packet \(tag.number) of flow \(tag.flow) left twice, or behind packet \(seen[tag.flow] - 1)")
      }
      seen[tag.flow] = tag.number + 1
      // As if the next were this one once more.
      if sabotage == .repetition, tag.number > 10 { seen[tag.flow] += 10 }
      if sabotage == .repetition, tag.number > 10 { sabotage = nil }
    }
    if self.sabotage == .loss {
      arrived += 1
      sabotage = nil
    }
    self.sabotage = sabotage
    _ = ingress.transmit()
    self.seen = seen
    if let fault { throw fault }
  }

  /// Faults that come and go.
  private mutating func misbehave(_ lost: inout Int, _ tally: inout SoakTally) {
    egress.faults.stallsTransmit = dice.next() % 6 == 0
    if egress.faults.stallsTransmit { tally.note("stalls") }
    ingress.faults.starvesFillRing = dice.next() % 8 == 0
    if ingress.faults.starvesFillRing { tally.note("starvations") }
    // A lost completion costs its frame for good, so they are few.
    if dice.next() % 400 == 0 && lost < 64 {
      egress.faults.lostCompletions = 1
      lost += 1
      tally.note("lost completions")
    }
    if dice.next() % 40 == 0 && lost < 64 {
      ingress.faults.invalidDescriptors = 1
      lost += 1
      tally.note("invalid descriptors")
    }
    // Outside the UMEM: frames that the NIC was given it may name whenever it likes, and would then write into twice.
    if dice.next() % 20 == 0 {
      _ = egress.complete(raw: umem.layout.size + dice.next() % umem.layout.size)
      tally.note("false completions")
    }
    if dice.next() % 20 == 0 {
      let address = umem.layout.size + dice.next() % umem.layout.size
      if ingress.receive(raw: Descriptor(address: address, length: UInt32(dice.next() % 4096))) { arrived += 1 }
      tally.note("false descriptors")
    }
    // ENOBUFS is ordinary.
    devices[1].answer(errno: dice.next() % 4 == 0 ? 105 : 0)
  }

  private mutating func reload(_ tally: inout SoakTally) throws {
    let number = Int(dice.next() % 1000)
    // This thread is the worker: nobody answers before its next turns.
    _ = try pipeline.replace(with: try SoakPolicy.make(number, routes: dice.next() % 2 == 0), within: 0)
    for _ in 0..<3 {
      worker.turn()
      worker.housekeeping()
    }
    tally.reloads += 1
  }

  private mutating func checkViolations() throws {
    let violations = counters.worker(index: 0).get(.ledgerViolations)
    guard violations == 0 else {
      throw SoakFault("simulated", "frames or packets did not add up at \(violations) of the worker's own checks")
    }
  }

  /// Faults end, what is under way gets through, and all must add up.
  private mutating func settle() throws {
    ingress.faults = SimulatedFaults()
    egress.faults = SimulatedFaults()
    devices[1].answer(errno: 0)
    for _ in 0..<400 {
      worker.turn()
      try transmit()
      _ = egress.transmit()
    }
    worker.housekeeping()
    let snapshot = try counters.snapshot()
    try SoakFault.check("simulated", snapshot)
    let received = snapshot.total(.receivedPackets)
    guard received == UInt64(arrived) + composed(snapshot) else {
      throw SoakFault("simulated", "\(arrived) packets arrived and \(received) were received")
    }
  }

  /// Answers of the router's own count as received on its local port.
  private func composed(_ snapshot: CounterSnapshot) -> UInt64 { snapshot.slots.last?[.receivedPackets] ?? 0 }
}
