import CXsk
import Forwarder
import ProgramSupport
import Reporting
import XSKEngine

/// The demo without privileges: the same worker, its rings' other half a simulated NIC. One thread steps both in turn.
struct SimulatedDemo {
  let output: OutputOptions
  let duration: Double

  func run() throws {
    var stop = StopSignal()
    let cpu = CPUTimes.ofThisProcess
    let umem = try UMEM(UMEMConfiguration())
    let devices = try ["sim0", "sim1"].map { try SimulatedDevice(name: $0) }
    let counters = try CounterPage(
      simulated: devices, tool: "xskfwd", version: Xskfwd.version, command: "demo")
    var worker = Worker(
      try WorkerParts(simulated: devices, umem: umem, counters: counters), handler: ForwardHandler())
    var left = SimulatedNIC(devices[0], umem: umem)
    var right = SimulatedNIC(devices[1], umem: umem)
    if !output.json {
      Console.print("xskfwd demo: sim0 ── [engine] ── sim1, 64-byte packets both ways, no kernel involved")
    }
    var view = RateView(isWide: output.verbose)
    var old = try counters.snapshot()
    let start = StopSignal.now
    var next = start + output.interval
    while StopSignal.now < start + duration {
      for _ in 0..<2048 {
        left.receive(count: 64, length: 64)
        right.receive(count: 64, length: 64)
        worker.turn()
        left.transmit()
        right.transmit()
      }
      worker.housekeeping()
      if stop.arrives(before: StopSignal.now + 1e-6) { break }
      guard StopSignal.now >= next else { continue }
      next += output.interval
      let new = try counters.snapshot()
      if !output.json { Console.print(view.next(from: old, to: new)) }
      old = new
    }
    let seconds = StopSignal.now - start
    left.needsWakeup = false
    right.needsWakeup = false
    for _ in 0..<8 {
      left.transmit()
      right.transmit()
      worker.turn()
    }
    worker.drain()
    let summary = RunSummary(try counters.snapshot(), duration: seconds, cpu: CPUTimes.ofThisProcess - cpu)
    guard !output.json else { return try Console.printObject(summary.json()) }
    Console.print(summary.text)
  }
}
