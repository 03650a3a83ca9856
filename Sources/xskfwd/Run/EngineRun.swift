import Operations
import Reporting
import XSKEngine

/// Runs an engine from start to summary: what the commands that move packets have in common.
struct EngineRun {
  let options: EngineOptions
  let command: String
  let ports: [String]
  /// What else the command line said that makes this run what it is.
  var arguments: [String] = []
  /// As in `EngineConfiguration`.
  var localPort: String?
  var reasonNames: [DropReason: String] = [:]
  /// What ends the run before its time; asked some times a second.
  var obstacle: () -> XSKError? = { nil }
  /// Called once nothing stands in the way of the start any more, before the first line of output.
  var started: () -> Void = {}

  /// - Parameter held: packets that the handler may hold for each queue.
  func run<Handler: PacketHandler & SendableMetatype & ~Copyable>(
    holding held: Int = 0, handler: @escaping @Sendable (Engine.Placement) throws(XSKError) -> Handler
  ) throws {
    var configuration = options.configuration(
      ports: ports, command: ([command] + ports + arguments).joined(separator: " "))
    configuration.heldPerQueue = held
    configuration.localPort = localPort
    configuration.reasonNames = reasonNames
    var stop = StopSignal()
    let manager = ServiceManager()
    ServiceManager.forget()
    let cpu = CPUTimes.ofThisProcess
    let engine = try Engine.start(configuration, handler: handler)
    engine.keepOffWorkerCores()
    let service = try operate(engine, manager, requestStop: stop.request)
    started()
    if !options.output.json {
      Console.print("xskfwd \(configuration.command): running, Ctrl-C stops")
    }
    manager?.ready(configuration.command)
    let start = StopSignal.now
    let watch = LiveView(engine: engine, output: options.output, obstacle: obstacle)
    var failure: (any Error)?
    do {
      try watch.run(until: start + (options.output.duration ?? .infinity), stop: &stop)
    } catch {
      failure = error  // What was done until then is told all the same.
    }
    let duration = StopSignal.now - start
    manager?.stopping()
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
    _ engine: Engine, _ manager: ServiceManager?, requestStop: @escaping @Sendable () -> Void
  ) throws(XSKError) -> OperatorService {
    do throws(XSKError) {
      let service = try OperatorService.start(
        engine, control: options.operating.control, metrics: options.operating.metrics, manager: manager,
        requestStop: requestStop)
      if let address = service.metricsAddress { Console.error("xskfwd: metrics at http://\(address)/metrics") }
      return service
    } catch {
      engine.stop()
      throw error
    }
  }

  private func report(_ summary: RunSummary) throws {
    guard !options.output.json else { return try Console.printObject(summary.json()) }
    Console.print(summary.text)
  }
}

/// Something that went wrong after the start had succeeded: exit status 1.
struct RunFailure: Error {
  let reason: any Error

  init(_ reason: any Error) { self.reason = (reason as? RunFailure)?.reason ?? reason }
}

/// Shows an engine's counters line by line while it runs.
final class LiveView {
  private let engine: Engine
  private let output: OutputOptions
  private let obstacle: () -> XSKError?
  private var printedMessages = 0
  /// Seconds between two looks for an obstacle and for messages, however long the interval is.
  private static let patience = 0.2

  /// - Parameter obstacle: an error that ends the view.
  init(engine: Engine, output: OutputOptions, obstacle: @escaping () -> XSKError? = { nil }) {
    self.engine = engine
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
      if stop.arrives(before: min(next, end, StopSignal.now + Self.patience)) { return true }
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
