import Operations
import ProgramSupport
import Reporting
import XSKEngine

/// Runs an engine from start to summary: what the commands that move packets have in common.
struct EngineRun {
  let configuration: EngineConfiguration
  let operating: OperatingOptions
  let output: OutputOptions
  /// What ends the run before its time; asked some times a second.
  var obstacle: () -> XSKError? = { nil }
  /// Called once nothing stands in the way of the start any more, before the first line of output.
  var started: () -> Void = {}
  /// What runs as a policy that can be replaced; nil: nothing can.
  var policy: PolicyRun?

  func run<Handler: PacketHandler & SendableMetatype & ~Copyable>(
    handler: @escaping @Sendable (Engine.Placement) throws(XSKError) -> Handler
  ) throws {
    var stop = StopSignal(reloads: policy != nil)
    let manager = ServiceManager()
    ServiceManager.forget()
    let cpu = CPUTimes.ofThisProcess
    let engine = try Engine.start(configuration, handler: handler)
    engine.keepOffWorkerCores()
    let service = try operate(engine, manager, stop)
    policy?.begin(engine)
    started()
    if !output.json {
      Console.print("xskfwd \(configuration.command): running, Ctrl-C stops")
    }
    manager?.ready(configuration.command)
    let start = StopSignal.now
    let watch = LiveView(engine: engine, output: output, obstacle: obstacle) { policy?.reload(engine) }
    var failure: (any Error)?
    do {
      try watch.run(until: start + (output.duration ?? .infinity), stop: &stop)
    } catch {
      failure = error  // What was done until then is told all the same.
    }
    let duration = StopSignal.now - start
    manager?.stopping()
    policy?.end()
    let last = engine.stop()
    service.stop()
    guard let final = last else {
      throw RunFailure(
        failure ?? XSKError("counter page", "was damaged while running", remedy: "let nobody else write to it"))
    }
    watch.printMessages()
    try report(RunSummary(final, duration: duration, cpu: CPUTimes.ofThisProcess - cpu))
    if let failure { throw RunFailure(failure) }
  }

  /// Control socket, metrics, signs of life. If they can't be had the engine is taken down again.
  private func operate(
    _ engine: Engine, _ manager: ServiceManager?, _ stop: StopSignal
  ) throws(XSKError) -> OperatorService {
    do throws(XSKError) {
      policy?.desk.signal(with: stop.requestReload)
      let service = try OperatorService.start(
        engine, control: operating.control, metrics: operating.metrics, manager: manager,
        policy: policy?.desk, requestStop: stop.request)
      if let address = service.metricsAddress { Console.error("xskfwd: metrics at http://\(address)/metrics") }
      return service
    } catch {
      engine.stop()
      throw error
    }
  }

  private func report(_ summary: RunSummary) throws {
    guard !output.json else { return try Console.printObject(summary.json()) }
    Console.print(summary.text)
  }
}

/// Shows an engine's counters line by line while it runs.
final class LiveView {
  private let engine: Engine
  private let output: OutputOptions
  private let obstacle: () -> XSKError?
  private let reload: () -> Void
  private var printedMessages = 0
  /// Seconds between two looks for an obstacle and for messages, however long the interval is.
  private static let patience = 0.2

  /// - Parameters:
  ///   - obstacle: an error that ends the view.
  ///   - reload: done when a signal asks for it.
  init(
    engine: Engine, output: OutputOptions, obstacle: @escaping () -> XSKError? = { nil },
    reload: @escaping () -> Void = {}
  ) {
    self.engine = engine
    self.reload = reload
    self.output = output
    self.obstacle = obstacle
  }

  /// Shows a line each interval until `end` (CLOCK_MONOTONIC seconds) or a stop signal; true if it was the signal.
  @discardableResult
  func run(until end: Double, stop: inout StopSignal) throws -> Bool {
    var view = RateView(isWide: output.verbose)
    var old = try engine.counters.snapshot()
    var next = StopSignal.now + output.interval
    printMessages()
    while StopSignal.now < end {
      switch stop.next(before: min(next, end, StopSignal.now + Self.patience)) {
      case .stop: return true
      case .reload: reload()
      case nil: break
      }
      printMessages()
      if let error = obstacle() { throw error }
      guard StopSignal.now >= next else { continue }
      next += output.interval
      let new = try engine.counters.snapshot()
      if !output.json { Console.print(view.next(from: old, to: new)) }
      old = new
    }
    return false
  }

  /// What the engine has to say goes to standard error, once each.
  func printMessages() {
    let messages = engine.messages(from: printedMessages)
    for line in messages.lines { Console.error("xskfwd: \(line)") }
    printedMessages = messages.count
  }
}
