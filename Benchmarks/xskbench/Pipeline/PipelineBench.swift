import CXsk
import Forwarder
import XSKEngine

/// A worker between two simulated ports, on one thread; only the worker's turns are timed.
struct PipelineBench<Handler: PacketHandler & ~Copyable>: ~Copyable {
  private var worker: Worker<Handler>
  private var ingress: SimulatedNIC
  private var egress: SimulatedNIC
  private var source: PipelineSource
  private let length: UInt32

  /// Packets that the NIC receives before the worker is timed: two bursts, so that reading the counter costs little.
  static var section: Int { 128 }

  /// - Parameters:
  ///   - wakeSocket: the NIC wants to be woken to transmit, by a system call on this socket; nil: it needs no waking.
  ///   - handler: makes what decides, for the worker's queues.
  init(
    _ traffic: PipelineTraffic, _ source: PipelineSource, wakeSocket: CInt? = nil,
    handler: (_ queues: Int) throws(XSKError) -> Handler
  ) throws(XSKError) {
    let umem = try UMEM(UMEMConfiguration(frames: 1024))
    let rings = RingSizes(receive: 256, transmit: 256, fill: 256, completion: 256)
    let devices = [try SimulatedDevice(name: "in", rings: rings), try SimulatedDevice(name: "out", rings: rings)]
    let parts = try WorkerParts(
      simulated: devices, hasLocalPort: true, umem: umem,
      counters: try CounterPage(simulated: devices, localPort: "local"),
      configuration: WorkerConfiguration(batch: 64, idle: .spin))
    devices[1].call(socket: wakeSocket)
    worker = Worker(parts, handler: try handler(3))
    ingress = SimulatedNIC(devices[0], umem: umem, needsWakeup: false)
    egress = SimulatedNIC(devices[1], umem: umem, needsWakeup: wakeSocket != nil)
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
      let taken = timedTurns(&worker, taking: Self.section)
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
}
