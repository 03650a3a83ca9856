import Testing
import XSKEngine

/// A counter page that nobody else reads: the one place where these tests make one.
func makeCounterPage(for devices: [SimulatedDevice], localPort: String? = nil) throws -> CounterPage {
  try CounterPage(simulated: devices, localPort: localPort)
}

/// A handler on simulated ports, through the library's public door only, as another program would use it.
final class ForwarderRig<Handler: PacketHandler & ~Copyable> {
  let devices: [SimulatedDevice]
  /// Places in the counter page: the devices', and the local port's if there is one.
  let slots: Int
  let counters: CounterPage
  var nics: FixedArray<SimulatedNIC>
  var worker: Worker<Handler>

  init(
    _ handler: consuming Handler, ports: Int, umem: UMEMConfiguration = UMEMConfiguration(frames: 1024),
    rings: RingSizes = RingSizes(receive: 64, transmit: 64), hasLocalPort: Bool = false,
    _ configuration: WorkerConfiguration = WorkerConfiguration(idle: .spin)
  ) throws {
    let memory = try UMEM(umem)
    let devices = try (0..<ports).map {
      try SimulatedDevice(name: "sim\($0)", rings: rings)
    }
    self.devices = devices
    slots = ports + (hasLocalPort ? 1 : 0)
    counters = try makeCounterPage(for: devices, localPort: hasLocalPort ? "own" : nil)
    nics = try FixedArray(count: ports) { port in SimulatedNIC(devices[port], umem: memory) }
    worker = Worker(
      try WorkerParts(
        simulated: devices, hasLocalPort: hasLocalPort, umem: memory, counters: counters, configuration: configuration),
      handler: handler)
    worker.turn()  // The fill rings are full now.
  }

  /// Has `packets` arrive on a port, and turns until everything was carried out.
  ///
  /// - Returns: what each port transmitted, whole packets in order.
  ///
  /// - Parameter burst: packets that arrive at once.
  func run(_ packets: [[UInt8]], on port: Int, burst: Int = 8) -> [[[UInt8]]] {
    var transmitted = [[[UInt8]]](repeating: [], count: devices.count)
    var arriving = packets[...]
    for _ in 0..<packets.count + 4 {
      for packet in arriving.prefix(burst) {
        let arrived = nics[port].receive(packet)
        #expect(arrived)
      }
      arriving = arriving.dropFirst(burst)
      worker.turn()
      for port in devices.indices { transmitted[port] += drain(port) }
    }
    expectInvariants()
    return transmitted
  }

  /// Ends the worker; answers what it still transmitted. Both invariants hold at the end.
  func finish() -> [[[UInt8]]] {
    worker.drain()
    let rest = devices.indices.map { drain($0) }
    expectInvariants()
    return rest
  }

  func drain(_ port: Int) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    var current: [UInt8] = []
    nics[port].transmit { bytes, continues in
      // Safe: any bit pattern is a byte; the range is the span's own.
      unsafe current += bytes.withUnsafeBytes { unsafe Array($0) }
      guard !continues else { return }
      packets.append(current)
      current = []
    }
    return packets
  }

  func count(_ counter: QueueCounter, _ port: Int) -> UInt64 { counters.queue(slot: port).get(counter) }

  /// Both invariants, exactly, as the counters tell anybody: the frame ledger, and every port's packets.
  func expectInvariants(_ location: SourceLocation = #_sourceLocation) {
    worker.housekeeping()
    let totals = counters.worker(index: 0)
    var frames = totals.get(.framesInPool) + totals.get(.framesHeld)
    for port in 0..<slots {
      let mine = counters.queue(slot: port)
      for gauge in [QueueCounter.fillFrames, .kernelFrames, .txFrames, .completionFrames] { frames &+= mine.get(gauge) }
      let explained =
        mine.get(.forwardedPackets) + mine.get(.deliveredPackets) + mine.get(.heldPackets)
        + mine.droppedTotal
      #expect(mine.get(.receivedPackets) == explained, "packets of port \(port)", sourceLocation: location)
    }
    #expect(frames == totals.get(.framesTotal), "frame ledger", sourceLocation: location)
    #expect(totals.get(.ledgerViolations) == 0, sourceLocation: location)
  }
}

/// An Ethernet frame of `length` bytes whose content follows from its number; 02:…:01 to 02:…:02.
func ethernetFrame(_ number: Int, length: Int = 64) -> [UInt8] {
  let header: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]
  return header.prefix(length)
    + (header.count..<max(length, header.count)).map { UInt8(truncatingIfNeeded: number &* 13 &+ $0) }
}
