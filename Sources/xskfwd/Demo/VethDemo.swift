import ProgramSupport
import Reporting
import Synchronization
import XSKEngine
import XSKLab

/// The demo on real devices:
///
///      namespace "client"            namespace of the engine             namespace "server"
///      10.77.0.1  c0 ═══════════ left ─┐                ┌─ right ═══════════ s0  10.77.0.2
///                 f0 ═══════════ flood ┴── one worker ──┘
///
/// TCP transfers run from client to server through the engine; after a while a flood of 64-byte packets arrives on a third
/// port and is dropped, while the transfers go on.
struct VethDemo {
  let engineSide: NetworkNamespace
  let client: NetworkNamespace
  let server: NetworkNamespace
  let flood: VethPair

  static let serverAddress = "10.77.0.2"
  /// Packets a second: enough to be a flood for one queue, and to leave the other CPU time for the TCP stacks.
  static let floodRate = 300_000.0

  init() throws {
    engineSide = try NetworkNamespace("engine")
    client = try NetworkNamespace("client")
    server = try NetworkNamespace("server")
    _ = try VethPair(VethEnd("c0", in: client, addresses: ["10.77.0.1/24"]), VethEnd("left", in: engineSide))
    _ = try VethPair(
      VethEnd("s0", in: server, addresses: ["\(Self.serverAddress)/24"]), VethEnd("right", in: engineSide))
    flood = try VethPair(
      VethEnd("f0", in: client, addresses: ["10.78.0.1/24"]), VethEnd("flood", in: engineSide))
  }

  /// Starts the engine and shows it at work; afterwards it has been stopped, whatever happened.
  func run(output: OutputOptions, duration: Double, stop: inout StopSignal) throws {
    var configuration = EngineConfiguration(ports: ["left", "right", "flood"].map { PortConfiguration($0) })
    configuration.tool = "xskfwd"
    configuration.version = Xskfwd.version
    configuration.command = "demo"
    configuration.counterPage = .standard
    let engine = try engineSide.run { try Engine.start(configuration) { _ in DemoHandler() } }
    do {
      try show(engine, output: output, duration: duration, stop: &stop)
    } catch {
      engine.stop()
      throw RunFailure(error)
    }
  }

  private func show(_ engine: Engine, output: OutputOptions, duration: Double, stop: inout StopSignal) throws {
    let cpu = CPUTimes.ofThisProcess
    if !output.json { introduce() }
    let pings = try? Ping.run(from: client, to: Self.serverAddress)
    let transfers = DemoTransfers()
    try transfers.begin(from: client, to: server)
    let start = StopSignal.now
    let watch = LiveView(engine: engine, output: output)
    if try !watch.run(until: start + duration / 2, stop: &stop) {
      if !output.json { Console.print("-- the flood begins: 64-byte packets from 1,024 flows, to be dropped") }
      let generator = try beginFlood(seconds: duration / 2 + 1)
      try watch.run(until: start + duration, stop: &stop)
      _ = try? generator.stop()
    }
    transfers.end()
    let seconds = StopSignal.now - start
    guard let final = engine.stop() else { return }
    watch.printMessages()
    let summary = RunSummary(final, duration: seconds, cpu: CPUTimes.ofThisProcess - cpu)
    guard !output.json else { return try Console.printObject(summary.json()) }
    Console.print(summary.text)
    Console.print(transfers.summary(seconds))
    if let pings { Console.print("  ping       \(pings.received) of \(pings.sent) answered through the engine") }
    Console.print("  the lab's namespaces and devices go with this process")
  }

  private func introduce() {
    Console.print(
      """
      xskfwd demo: client 10.77.0.1 ── left [engine] right ── server 10.77.0.2, real veth devices in private namespaces
      TCP transfers of 64 MiB run from client to server through the engine, each checksummed at the far end.
      """)
  }

  private func beginFlood(seconds: Double) throws -> LiveFrameGenerator {
    // Nobody's addresses: the flood is not for any stack.
    let template = FrameTemplate(
      sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
      source: "198.51.100.1", destination: "203.0.113.1")
    return try LiveFrameGenerator(
      in: flood.left.namespace, device: flood.left.name,
      .init(
        frame: try template.frame(size: 64), flows: 1024, duration: .milliseconds(Int(seconds * 1000)),
        rate: Self.floodRate))
  }
}

/// TCP transfers one after the other on a thread of their own, and what became of them.
final class DemoTransfers: Sendable {
  private struct State {
    var isEnding = false
    var count = 0
    var bytes: UInt64 = 0
    var damaged = 0
    var failure: XSKError?
  }

  private let state = Mutex(State())

  /// Starts transferring until `end()`; a transfer that is cut off by the end is not counted.
  func begin(from client: NetworkNamespace, to server: NetworkNamespace) throws {
    try SystemThread.start("demo-transfers") { [self] in
      while !state.withLock({ $0.isEnding }) {
        do throws(XSKError) {
          let transfer = try TCPTransfer.run(
            from: client, to: server, address: VethDemo.serverAddress, bytes: 64 << 20, timeout: .seconds(20))
          state.withLock { state in
            guard !state.isEnding else { return }
            state.count += 1
            state.bytes += transfer.receivedBytes
            if !transfer.isIntact { state.damaged += 1 }
          }
        } catch {
          state.withLock { if !$0.isEnding { $0.failure = error } }
          return
        }
      }
    }
  }

  func end() { state.withLock { $0.isEnding = true } }

  func summary(_ seconds: Double) -> String {
    let state = state.withLock { $0 }
    let rate = Double(state.bytes) * 8 / seconds / 1e9
    var text =
      "  transfers  \(state.count) of 64 MiB through the engine, \(state.count - state.damaged) intact at the far end "
      + "(mean \((rate * 100).rounded() / 100) Gbit/s)"
    if let failure = state.failure { text += "\n  transfers stopped: \(failure)" }
    return text
  }
}
