import CXsk
import Forwarder
import XSKEngine

/// A worker with the whole pipeline between two simulated ports, on one thread; only the worker's turns are timed.
struct PipelineBench: ~Copyable {
  private var worker: Worker<CoalescingHandler<PipelineHandler>>
  private var ingress: SimulatedNIC
  private var egress: SimulatedNIC
  private var source: PipelineSource
  private let length: UInt32
  private let pipeline: Pipeline

  /// Packets that the NIC receives before the worker is timed: two bursts, so that reading the counter costs little.
  static var section: Int { 128 }

  init(_ traffic: PipelineTraffic, _ policy: Policy, _ source: PipelineSource) throws(XSKError) {
    let umem = try UMEM(UMEMConfiguration(frames: 1024))
    let rings = RingSizes(receive: 256, transmit: 256, fill: 256, completion: 256)
    let devices = [try SimulatedDevice(name: "in", rings: rings), try SimulatedDevice(name: "out", rings: rings)]
    let counters = try CounterPage(simulated: devices, localPort: "local")
    let parts = try WorkerParts(
      simulated: devices, hasLocalPort: true, umem: umem,
      counters: counters,
      configuration: WorkerConfiguration(batch: 64, idle: .spin))
    let pipeline = Pipeline(policy)
    let handler = try pipeline.handler(queues: 3)
    self.pipeline = pipeline
    worker = Worker(parts, handler: handler)
    ingress = SimulatedNIC(devices[0], umem: umem, needsWakeup: false)
    egress = SimulatedNIC(devices[1], umem: umem, needsWakeup: false)
    self.source = source
    length = UInt32(traffic.size)
    worker.turn()
  }

  /// TSC cycles a packet over `packets` packets, and how many of them left.
  mutating func run(packets: Int) -> (cycles: Double, forwarded: Int) {
    var cycles: UInt64 = 0
    var done = 0
    var forwarded = 0
    while done < packets {
      for _ in 0..<Self.section {
        source.advance()
        receive()
      }
      cxsk_finish_writes()
      let start = cxsk_timestamp_ordered()
      var taken = 0
      while taken < Self.section { taken += worker.turn() }
      cycles &+= cxsk_timestamp_ordered() &- start
      done += taken
      forwarded += egress.completeAll()
    }
    return (Double(cycles) / Double(done), forwarded)
  }

  private mutating func receive() {
    let head = source.head
    // Any bit pattern is a byte.
    let isReceived = ingress.receive(head: unsafe head.span.bytes, length: length)
    precondition(isReceived, "the simulated NIC is short of frames")
  }

  /// What the rules have counted.
  var counts: PipelineCounts { pipeline.counts }
}
