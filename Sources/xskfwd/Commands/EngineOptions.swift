import ArgumentParser
import ProgramSupport
import XSKEngine

/// The options of every command that moves packets.
struct EngineOptions: ParsableArguments {
  @Option(help: "RX queues to take, on every port: numbers and ranges, 0,2-3. Default: all.")
  var queues: NumberList?

  @Option(help: "CPUs to run workers on, one each: 1,3-5. Default: one a queue, highest first.")
  var cores: NumberList?

  @Option(help: "auto, zerocopy, copy, or generic: auto takes the best that the device has.")
  var mode: ModeRequest = .auto

  @Option(help: "When nothing arrives: spin, busy-poll, sleep, or adaptive (spin a while, then sleep).")
  var idle: IdlePolicy = .adaptive

  @Option(help: "Packets that one burst may take, 1…1024.")
  var batch = 64

  @Option(help: "Bytes of a frame of the UMEM: 2048 or 4096.")
  var chunk = 2048

  @Option(help: "Pages of the UMEM: 2M, 1G, or off. Falls back to smaller ones with a note.")
  var hugepages: UMEMConfiguration.Pages = .plain

  @OptionGroup var operating: OperatingOptions
  @OptionGroup var output: OutputOptions

  /// - Parameters:
  ///   - command: its name.
  ///   - arguments: what else the command line said that makes the run what it is.
  func configuration(
    ports: [PortConfiguration], command: String, arguments: [String] = []
  ) -> EngineConfiguration {
    var configuration = EngineConfiguration(ports: ports)
    for index in configuration.ports.indices { configuration.ports[index].queues = queues?.numbers }
    configuration.cores = cores?.numbers
    configuration.worker.batch = batch
    configuration.worker.idle = idle
    configuration.socket.mode = mode
    configuration.umem.chunkSize = chunk
    configuration.umem.pages = hugepages
    let names = ports.flatMap { port in port.attachment.map { ["--attach", $0] } ?? [port.device] }
    configuration.introduce(([command] + names + arguments).joined(separator: " "))
    return configuration
  }
}

extension EngineOptions {
  /// A container's file system may be read-only: what lies in files then is left out rather than standing in the way.
  private static func goWithoutFiles(_ configuration: inout EngineConfiguration, _ operating: inout OperatingOptions) {
    do throws(XSKError) {
      try CounterPageDirectory.standard.create()
    } catch {
      Console.error("xskfwd: \(error.subject): \(error.problem); going on without counter page and control socket")
      configuration.counterPage = .memory
      if operating.control == .standard { operating.control = .off }
    }
  }

  /// A run on some ports.
  func run(
    _ command: String, _ ports: [PortConfiguration], arguments: [String] = [],
    _ change: (inout EngineConfiguration) -> Void = { _ in }
  ) -> EngineRun {
    var configuration = configuration(ports: ports, command: command, arguments: arguments)
    change(&configuration)
    var operating = operating
    if ports.contains(where: { $0.attachment != nil }) { Self.goWithoutFiles(&configuration, &operating) }
    return EngineRun(configuration: configuration, operating: operating, output: output)
  }
}

/// How long, and what is shown meanwhile.
struct OutputOptions: ParsableArguments {
  @Option(help: "Stop after this many seconds, 0.1…31536000. Default: at Ctrl-C; demo: 20 s.")
  var duration: Double?

  @Option(help: "Seconds between two lines of output, 0.1…3600.")
  var interval = 1.0

  @Flag(help: "Print one summary object on standard output at the end, and nothing else there.")
  var json = false

  @Flag(name: .shortAndLong, help: "Show workers and queues, too.")
  var verbose = false

  func validate() throws {
    if let duration, !(0.1...31_536_000).contains(duration) {
      throw ValidationError("--duration \(duration): out of range; give 0.1 to 31536000 seconds")
    }
    guard (0.1...3600).contains(interval) else {
      throw ValidationError("--interval \(interval): out of range; give 0.1 to 3600 seconds")
    }
  }
}

/// Numbers and ranges, as in `0,2-3`.
struct NumberList: ExpressibleByArgument, Equatable {
  let numbers: [Int]

  init?(argument: String) {
    var numbers: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        first >= 0, first <= last, last < 65536
      else { return nil }
      numbers += first...last
    }
    self.numbers = numbers
  }
}

extension ModeRequest: ExpressibleByArgument {}
extension IdlePolicy: ExpressibleByArgument {}
extension UMEMConfiguration.Pages: ExpressibleByArgument {
  public static var allValueStrings: [String] { [Self.huge2M, .huge1G, .plain].map(\.rawValue) }

  public init?(argument: String) {
    self.init(rawValue: argument)
    if self == .sealedMemfd { return nil }
  }
}

extension EngineConfiguration {
  /// What every run of this program has alike.
  mutating func introduce(_ command: String) {
    counterPage = .standard
    dropsWorkerCapabilities = true
    tool = "xskfwd"
    version = Xskfwd.version
    self.command = command
  }
}
