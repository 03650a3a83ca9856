import CXsk
import Forwarder
import GROLite
import XSKEngine

/// A worker with GRO and the NIC that feeds it, on one thread; only the worker's turns are timed.
///
/// The NIC's half writes every packet into the frame that it is received in, so that frames may come back in any order.
struct GROBench<Units: UnitHandler & ~Copyable>: ~Copyable {
  private(set) var worker: Worker<CoalescingHandler<Units>>
  private var nic: SimulatedNIC
  private let counters: CounterPage
  /// What is written of the packets, one behind the other.
  private let heads: [UInt8]
  private let headBytes: Int
  private let length: UInt32
  private let evicts: Bool
  private var next = 0

  /// Packets that the NIC receives before the worker is timed: one or two bursts, so that reading the counter costs little.
  static var section: Int { 128 }

  init(_ traffic: GROTraffic, _ set: WorkingSet, gro: GROConfiguration, units: () -> Units) throws(XSKError) {
    let packets = try traffic.packets()
    let umem = try UMEM(UMEMConfiguration(frames: set.frames))
    // The fill ring is filled at the start of a turn, when the burst before it has come back: what a section needs must be
    // there besides, or bursts would not begin where they are to.
    let depth = max(set.depth, UInt32(2 * Self.section))
    let device = try SimulatedDevice(
      rings: RingSizes(receive: depth, transmit: 128, fill: depth, completion: 128))
    let page = try CounterPage(simulated: [device])
    let parts = try WorkerParts(
      simulated: [device], umem: umem, counters: page,
      configuration: WorkerConfiguration(batch: traffic.burst, idle: .spin))
    let handler = try CoalescingHandler(units(), gro: gro, batch: traffic.burst, queues: 1)
    let headBytes = traffic.isLinear ? traffic.size : min(traffic.size, GROTraffic.headBytes)
    heads = packets.flatMap { $0.prefix(headBytes) }
    self.headBytes = headBytes
    length = UInt32(traffic.size)
    evicts = set == .coldHeader
    counters = page
    worker = Worker(parts, handler: handler)
    nic = SimulatedNIC(device, umem: umem, needsWakeup: false)
    worker.turn()
  }

  /// TSC cycles a packet of each repeat, and how many packets a unit had; `between` is called after each repeat.
  mutating func repeated(
    packets: Int, repeats: Int, between: () throws -> Void
  ) rethrows -> (cycles: [Double], packetsPerUnit: Double) {
    _ = run(packets: packets / 4)  // Caches, branch predictors and page tables have seen it all once.
    var cycles: [Double] = []
    let before = counted()
    for _ in 0..<repeats {
      cycles.append(run(packets: packets))
      try between()
    }
    let after = counted()
    return (cycles, Double(after.packets - before.packets) / Double(after.units - before.units))
  }

  /// Packets and units up to now.
  private mutating func counted() -> (packets: UInt64, units: UInt64) {
    worker.housekeeping()
    let totals = counters.worker(index: 0)
    return (totals.get(.unitPackets), totals.get(.units))
  }

  /// TSC cycles a packet over `packets` packets.
  mutating func run(packets: Int) -> Double {
    var cycles: UInt64 = 0
    var done = 0
    while done < packets {
      var received = 0
      while received < Self.section && receiveNext() { received += 1 }
      precondition(received == Self.section, "the simulated NIC is short of frames")
      cxsk_finish_writes()
      let start = cxsk_timestamp_ordered()
      let taken = timedTurns(&worker, taking: received)
      cycles &+= cxsk_timestamp_ordered() &- start
      done += taken
    }
    return Double(cycles) / Double(done)
  }

  private mutating func receiveNext() -> Bool {
    defer { next = next + headBytes == heads.count ? 0 : next + headBytes }
    let heads = self.heads
    // Any bit pattern is a byte.
    let head = unsafe heads.span.bytes.extracting(next..<next + headBytes)
    return nic.receive(head: head, length: length, evicting: evicts)
  }
}
