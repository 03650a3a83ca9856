import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// The tests of RFC 2544 and its successors, on the wire lab or between two interfaces.
struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract:
      "Search for throughput between bounds, and measure loss, bursts, latency, recovery: RFC 2544 and successors.",
    discussion: """
      Throughput by multiple loss ratio search (draft-ietf-bmwg-mlrsearch): NDR, no loss at all, and PDR, with lower and \
      upper bounds. Frame loss at falling loads, bursts (RFC 9004), latency (RFC 8219: median, P99.9, and PDV), system \
      recovery and reset (RFC 2544). What the generator does not send counts as lost, and is said.

      Sizes are with FCS, as in RFC 2544: a veth carries four bytes less. The device under test is one of xskbench wire, or \
      whatever is between --transmit and --receive. Trials shorter than 60 s are labelled as short. With --state a search \
      that was interrupted goes on where it was left. Exit status: 0 done; 1 done, and something is irregular; 2 wrong use, \
      or something that stands in the way; 130 interrupted. Needs root and two CPUs.
      """)

  @Option(help: "The device under test, as in xskbench wire. Default: ours.") var dut: String?
  @Option(help: "Send by this interface, instead of a lab.") var transmit: String?
  @Option(help: "Count on this interface.") var receive: String?
  @Option(help: "Between interfaces: the MAC address that frames are sent to. Default: that of --receive.")
  var toMac: String?
  @Option(help: "Between interfaces: source IP address of the packets. Default: 198.51.100.1.") var from: String?
  @Option(help: "Between interfaces: destination IP address. Default: 203.0.113.1.") var to: String?
  @Option(help: "Frame lengths with FCS, 64…1518, or imix: 64,512,1518.") var sizes = "64,128,256,512,1024,1280,1518"
  @Option(help: "Tests: throughput, latency, loss, burst, recovery, reset, or all.") var tests = "throughput"
  @Option(help: "Loss ratios to search for, percent, by name: NDR=0,PDR=0.5.") var goals = "NDR=0,PDR=0.5"
  @Option(help: "Seconds of a trial, 0.1…86400.") var seconds = 60.0
  @Option(help: "Seconds of trials that a load needs for a decision. Default: as many as one trial has.")
  var sumSeconds: Double?
  @Option(help: "Seconds of the trials that a search begins with.") var initialSeconds = 1.0
  @Option(help: "Share of bad trials that a load may have, 0…0.99; 0 as RFC 2544 has it.") var exceed = 0.5
  @Option(help: "How far apart the bounds may be in the end, percent, 0.01…50.") var width = 0.5
  @Option(help: "Trials of latency, and repeats of bursts, 1…1000.") var repeats = 20
  @Option(help: "How often a trial is made again that something else than the device disturbed, 0…100.") var retries = 2
  @Option(help: "Seconds of the longest burst, 0.001…30.") var burstSeconds = 2.0
  @Option(help: "The lowest load, frames a second, 1000 or more.") var minimum = FrameRate(perSecond: 1000)
  @Option(help: "The highest load. Default: what the generator can do.") var maximum: FrameRate?
  @Option(help: "Flows that frames take turns among, 1…16777216.") var flows: UInt32 = 1
  @Option(help: ArgumentHelp("Keep every trial in a file, and go on from there.", valueName: "file")) var state: String?
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    func check(_ option: String, _ value: Double, _ range: ClosedRange<Double>) throws {
      guard range.contains(value) else {
        throw ValidationError(
          "--\(option) \(value.short): out of range; give \(range.lowerBound) to \(range.upperBound)")
      }
    }
    try check("seconds", seconds, 0.1...86_400)
    try check("sum-seconds", sumSeconds ?? seconds, 0.1...864_000)
    try check("initial-seconds", initialSeconds, 0.1...86_400)
    try check("exceed", exceed, 0...0.99)
    try check("width", width, 0.01...50)
    try check("burst-seconds", burstSeconds, 0.001...30)
    try check("repeats", Double(repeats), 1...1000)
    try check("retries", Double(retries), 0...100)
    try check("minimum", minimum.perSecond, 1000...1e9)
    try check("maximum", maximum?.perSecond ?? 1e9, minimum.perSecond...1e9)
    try check("flows", Double(flows), 1...Double(1 << 24))
    guard (transmit == nil) == (receive == nil) else {
      throw ValidationError("--transmit and --receive: give both interfaces, or neither")
    }
    guard transmit == nil || dut == nil else {
      throw ValidationError(
        "--dut \(dut ?? ""): what is between two interfaces is the device under test; give one or the other")
    }
    guard transmit != nil || (toMac ?? from ?? to) == nil else {
      throw ValidationError("--to-mac, --from, --to: only with --transmit and --receive; a lab knows its own")
    }
    if let toMac, LinkAddress(toMac) == nil {
      throw ValidationError("--to-mac \(toMac): not a MAC address; give one such as 02:00:00:00:00:02")
    }
  }

  func run() throws {
    let subject = try subject()
    let settings = try settings(subject)
    let record = try SearchRecord(settings, path: state)
    let signals = StopSignals()
    let placement = try placement.resolved()
    if record.known > 0 { complain("\(state ?? ""): going on behind \(record.known) trials") }
    for line in settings.shortcuts { complain(line) }
    let tester = WireTester(subject, placement: placement, flows: flows, signals: signals)
    let search = SearchRun(settings, tester, record: record, maximumLoad: { try tester.maximumLoad(size: $0) }) {
      complain($0)
    }
    var report = SearchReport(settings: settings)
    var failure: XSKError?
    do {
      try search.run(&report)
    } catch is Interrupted {
      report.isInterrupted = true
    } catch let error as XSKError {
      guard report.hasTrials else { throw error }
      // What was measured until then is told, too.
      (report.isInterrupted, failure) = (true, error)
    }
    report.command = tester.command
    var document = report.document(label: name(subject), driver: driver(subject), mode: mode(subject))
    document.versions = tester.versions
    document.irregular += tester.notes
    if let failure { document.irregular.append("broke off: \(failure)") }
    document.noteHarness(report.harnessShares)
    runWatch.finish(&document, cpus: [placement.generator, placement.device])
    try output.write(
      document, table: report.text + "\n" + document.irregular.map { "irregular: \($0)" }.joined(separator: "\n"))
    if let failure { throw failure }
    if report.isInterrupted {
      complain("interrupted; the lab is gone" + (state.map { "; the same command goes on from \($0)" } ?? ""))
      throw ExitCode(130)
    }
    guard report.isRegular else { throw ExitCode(1) }
  }

  private func subject() throws(XSKError) -> WireTester.Subject {
    if let transmit, let receive {
      var pair = InterfacePair(transmit: transmit, receive: receive)
      pair.target = toMac.flatMap { LinkAddress($0) }
      if let from { pair.source = from }
      if let to { pair.destination = to }
      return .interfaces(pair)
    }
    let dut = dut ?? "ours"
    return .lab(try DeviceKind(dut, job: dut == "ours" || dut == "testpmd" ? .forward : nil))
  }

  private func name(_ subject: WireTester.Subject) -> String {
    switch subject {
    case .lab(let kind): "\(kind.job.rawValue), \(kind.label)"
    case .interfaces(let pair): "\(pair)"
    }
  }

  private func driver(_ subject: WireTester.Subject) -> String? {
    switch subject {
    case .lab: "veth"
    case .interfaces(let pair): try? NetworkDevice(named: pair.transmit).driver
    }
  }

  private func mode(_ subject: WireTester.Subject) -> String? {
    if case .lab(let kind) = subject, kind.isSocket { "copy" } else { nil }
  }

  private func settings(_ subject: WireTester.Subject) throws(XSKError) -> SearchSettings {
    var chosen: [SearchTest] = []
    for word in tests == "all" ? SearchTest.allCases.map(\.rawValue) : tests.split(separator: ",").map(String.init) {
      guard let test = SearchTest(rawValue: word) else {
        throw XSKError(
          "--tests \(word)", "not a test",
          remedy: "give \(SearchTest.allCases.map(\.rawValue).joined(separator: ", ")), or all")
      }
      guard !chosen.contains(test) else {
        throw XSKError("--tests \(tests)", "names \(word) twice", remedy: "name each test once")
      }
      chosen.append(test)
    }
    guard !chosen.isEmpty else { throw XSKError("--tests", "names none", remedy: "give throughput, or all") }
    let sizes = sizes.split(separator: ",").map(String.init)
    guard !sizes.isEmpty else { throw XSKError("--sizes", "names none", remedy: "give 64 to 1518, or imix") }
    for size in sizes { _ = try SearchSettings.mix(size) }
    guard Set(sizes).count == sizes.count else {
      throw XSKError("--sizes \(self.sizes)", "names a length twice", remedy: "name each once")
    }
    let name: String
    switch subject {
    case .lab(let kind):
      name = kind.name
      if kind.job == .drop, chosen.contains(.latency) {
        throw XSKError("--tests latency", "nothing comes back from \(name)", remedy: "test a device that forwards")
      }
    case .interfaces(let pair):
      name = pair.identity
      if chosen.contains(.reset) {
        chosen.removeAll { $0 == .reset }
        guard tests == "all" else {
          throw XSKError("--tests reset", "only a lab's device can be reset from here", remedy: "leave it out")
        }
      }
    }
    var settings = SearchSettings(
      subject: name, sizes: sizes, tests: chosen, goals: try lossGoals(), minimum: minimum.perSecond,
      maximum: maximum?.perSecond, flows: flows, seconds: seconds, repeats: repeats, burstSeconds: burstSeconds,
      retries: retries)
    if !chosen.contains(.throughput) { settings.goals = [] }
    return settings
  }

  private func lossGoals() throws(XSKError) -> [LossGoal] {
    let found = try goals.split(separator: ",").map { word throws(XSKError) in
      let parts = word.split(separator: "=")
      guard parts.count == 2, let percent = Double(parts[1]), (0..<100).contains(percent) else {
        throw XSKError("--goals \(word)", "not a goal", remedy: "give a name and percent of loss, as in PDR=0.5")
      }
      return LossGoal(
        name: String(parts[0]), lossRatio: percent / 100, exceedRatio: exceed, finalSeconds: seconds,
        sumSeconds: sumSeconds, initialSeconds: initialSeconds, width: width / 100)
    }
    guard !found.isEmpty, Set(found.map(\.name)).count == found.count else {
      throw XSKError(
        "--goals \(goals)", found.isEmpty ? "names none" : "has a name twice", remedy: "give such as NDR=0,PDR=0.5")
    }
    return found
  }
}
