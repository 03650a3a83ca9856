import ArgumentParser
import ProgramSupport
import XSKEngine

struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the engine at work in a lab of its own: two networks joined by it, and a flood that it drops.",
    discussion: """
      Makes network namespaces and veth pairs that vanish with the program, however it ends. Where root or AF_XDP is \
      missing the same engine runs on a simulated NIC instead.
      """)

  @OptionGroup var output: OutputOptions

  func run() throws {
    let duration = output.duration ?? 20
    // Before the lab's threads are started: one that left the signals alone would end the program at Ctrl-C.
    var stop = StopSignal()
    let demo: VethDemo
    do {
      try Preflight.check(Requirements())
      demo = try VethDemo()
    } catch {
      Console.error("xskfwd: no real devices here (\(error)); the same engine runs on a simulated NIC")
      try SimulatedDemo(output: output, duration: duration).run()
      return
    }
    try demo.run(output: output, duration: duration, stop: &stop)
  }
}
