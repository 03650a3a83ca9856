import ArgumentParser
import Forwarder
import Measuring
import XSKEngine
import XSKLab

/// Devices under test in turn on the same veth lab, counted by the kernel's own device counters.
struct WireBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wire",
    abstract: "Drop and forward on real veth devices, side by side with dpdk-testpmd and the kernel in the same run.",
    discussion: """
      Each trial makes a lab of network namespaces and veth pairs: generator, device under test, far end. Device and peers \
      take turns. Frames come as fast as they go, or at --rate; what arrives is counted by the kernel. The generator has one \
      CPU, the device under test another; the kernel's receiving half of a veth runs on the generator's.

      Devices: ours (xskfwd; ours-drop, ours-forward, ours-gro, ours-reflect), testpmd (testpmd-rxonly, testpmd-io, \
      testpmd-macswap), xdp-drop, xdp-redirect, bridge, kernel-route, and "command:PROGRAM ARGUMENTS…" with ports a0 and b0. \
      Needs root and two CPUs. The lab vanishes with the program, in whatever way that ends.
      """)

  @Option(help: "The device under test.") var dut = "ours"
  @Option(help: "What to compare it with, again and again: a device, or none. Default: testpmd.") var peer: [String] =
    []
  @Option(help: "Rounds of trials, each device once a round, 1…100.") var pairs = 10
  @Option(help: "Seconds that each trial counts, 0.5…600.") var seconds = 2.0
  @Option(help: "Bytes of a frame without FCS, 60…1514; several with weights, 60:7,1514:1; or imix.")
  var size = SizeMix(size: 64)
  @Option(help: "Flows that frames take turns among, 1…16777216.") var flows: UInt32 = 1
  @Option(help: "Frames a second, 1000 or more: 250k, 1.5M. Default: as many as go.") var rate: FrameRate?
  @Option(help: "drop, forward, reflect, or both: drop, then forward. Default: what the device does, or both.")
  var job: Jobs?
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var output: OutputOptions

  enum Jobs: String, ExpressibleByArgument, CaseIterable { case drop, forward, reflect, both }

  func validate() throws {
    guard (1...100).contains(pairs) else { throw ValidationError("--pairs \(pairs): out of range; give 1 to 100") }
    guard (0.5...600).contains(seconds) else {
      throw ValidationError("--seconds \(seconds): out of range; give 0.5 to 600")
    }
    guard rate?.perSecond ?? 1000 >= 1000 else {
      throw ValidationError("--rate \(rate?.perSecond ?? 0): out of range; give 1000 or more frames a second")
    }
    guard 1...(1 << 24) ~= flows else {
      throw ValidationError("--flows \(flows): out of range; give 1 to 16777216")
    }
  }

  /// Devices that do the same job, the one under test first.
  private struct Contest {
    let job: WireJob
    let devices: [DeviceKind]
  }

  func run() throws {
    let contests = try contests()
    let signals = StopSignals()
    let placement = try placement.resolved()
    var report = BenchmarkReport(command: typedCommand)
    let load = WireLoad(size: size, seconds: seconds, rate: rate?.perSecond, flows: flows)
    let alone = try WireLab.generatorAlone(load, placement: placement, signals: signals)
    complain("the generator alone offers \(FrameRate.text(alone)) of \(size) bytes")
    if let rate, alone < rate.perSecond * GenerateReport.tolerance {
      throw XSKError(
        "--rate \(rate)", "more than this generator offers, \(FrameRate.text(alone))",
        remedy: "ask for less, or free CPU \(placement.generator)")
    }
    var isInterrupted = false
    var failure: XSKError?
    var shares: [Double] = []
    for contest in contests {
      var trials = [[WireTrial]](repeating: [], count: contest.devices.count)
      do {
        for round in 1...pairs {
          complain("\(contest.job.rawValue): round \(round) of \(pairs)")
          for (place, device) in contest.devices.enumerated() {
            let (trial, command, version) = try WireLab.measure(device, load, placement: placement, signals: signals)
            if !report.peers.contains(command) { report.peers.append(command) }
            if let version { report.versions[version.name] = version.text }
            trials[place].append(trial)
            shares.append(trial.harness)
          }
        }
      } catch is Interrupted {
        isInterrupted = true
      } catch let error as XSKError {
        // What was measured until then is told, too.
        failure = error
      }
      report.add(contest.job, contest.devices, trials, load)
      if isInterrupted || failure != nil { break }
    }
    if let failure {
      guard !report.results.isEmpty else { throw failure }
      report.irregular.append("broke off: \(failure)")
    }
    report.noteHarness(shares)
    let asked = rate?.perSecond ?? report.results.map { $0.mpps * 1e6 }.max() ?? 0
    report.noteGenerator(alone: alone / 1e6, offered: asked / 1e6)
    if isInterrupted {
      report.irregular.append("interrupted: rounds are missing")
      complain("interrupted: these are the trials that were finished; the lab is gone")
      guard !report.results.isEmpty else { throw ExitCode(130) }
    }
    try output.deliver(report, cpus: [placement.generator, placement.device])
    if let failure { throw failure }
    if isInterrupted { throw ExitCode(130) }
  }

  private func contests() throws(XSKError) -> [Contest] {
    let jobs: [WireJob]
    switch job {
    case .drop: jobs = [.drop]
    case .forward: jobs = [.forward]
    case .reflect: jobs = [.reflect]
    case .both: jobs = [.drop, .forward]
    case nil: jobs = dut == "ours" || dut == "testpmd" ? [.drop, .forward] : [try DeviceKind(dut, job: nil).job]
    }
    guard peer.count < 2 || !peer.contains("none") else {
      throw XSKError("--peer none", "and others", remedy: "give none, or devices")
    }
    let names = peer.isEmpty ? [jobs == [.reflect] ? "none" : "testpmd"] : peer
    return try jobs.map { job throws(XSKError) in
      var devices = [try DeviceKind(dut, job: job)]
      for name in names where name != "none" { devices.append(try DeviceKind(name, job: job)) }
      guard Set(devices).count == devices.count else {
        throw XSKError("--peer \(names.joined(separator: ", "))", "named twice", remedy: "name each device once")
      }
      return Contest(job: job, devices: devices)
    }
  }
}

/// Which CPUs the lab's parts have.
struct PlacementOptions: ParsableArguments {
  @Option(help: "The generator's CPU. Default: the lowest that isn't the device's.") var generatorCpu: Int?
  @Option(help: "The CPU of the device under test. Default: the highest.") var deviceCpu: Int?

  func resolved() throws(XSKError) -> WirePlacement {
    try WirePlacement(generator: generatorCpu, device: deviceCpu)
  }
}

extension BenchmarkReport {
  /// Adds what a contest came to: each device's result, and the first one's ratio to each other.
  mutating func add(_ job: WireJob, _ devices: [DeviceKind], _ trials: [[WireTrial]], _ load: WireLoad) {
    for (device, mine) in zip(devices, trials) where !mine.isEmpty {
      results.append(Self.result(job, device, mine, load))
    }
    for (device, theirs) in zip(devices, trials).dropFirst() {
      let ratios = zip(trials[0], theirs).map { $0.rate / $1.rate }
      guard !ratios.isEmpty else { continue }
      self.ratios.append(Ratio(name: "\(job.rawValue), \(devices[0].label) / \(device.label)", of: ratios))
    }
  }

  private static func result(
    _ job: WireJob, _ device: DeviceKind, _ trials: [WireTrial], _ load: WireLoad
  ) -> Result {
    let rates = trials.map { $0.rate / 1e6 }
    let cycles = trials.compactMap(\.cyclesPerPacket)
    var result = Result(
      name: "\(job.rawValue), \(device.label)", set: "veth",
      cyclesPerPacket: cycles.isEmpty ? nil : cycles.median.short, mpps: rates.median.short,
      packets: trials.reduce(0) { $0 + Int($1.received) }, repeats: trials.count,
      min: ((cycles.isEmpty ? rates : cycles).min() ?? .nan).short,
      max: ((cycles.isEmpty ? rates : cycles).max() ?? .nan).short)
    (result.driver, result.subject) = ("veth", "\(job.rawValue), \(device.label)")
    if device.isSocket { result.mode = "copy" }
    if load.size.parts.count == 1 { (result.frameBytes, result.frameIncludesFCS) = (load.size.largest, false) }
    result.trials = trials.map { Trial($0) }
    let odd = result.trials?.filter { $0.irregular?.isEmpty == false } ?? []
    if !odd.isEmpty { result.irregular = ["\(odd.count) of \(trials.count) trials: \(odd[0].irregular?[0] ?? "")"] }
    return result
  }
}

extension BenchmarkReport.Trial {
  /// More of the time without its CPU, and what the device did is not all that it can.
  static let waitLimit = 0.01

  init(_ trial: WireTrial) {
    self.init(
      seconds: trial.seconds.short, packets: Int(trial.received), mpps: (trial.rate / 1e6).short,
      cyclesPerPacket: trial.cyclesPerPacket?.short, offeredMpps: trial.requestedRate.map { ($0 / 1e6).short })
    sentMpps = (trial.offeredRate / 1e6).short
    (userNanoseconds, systemNanoseconds) = (trial.userNanoseconds?.short, trial.systemNanoseconds?.short)
    if let rate = trial.requestedRate {
      // Of those sent: what the generator was kept from sending is not the device's loss, and is said.
      lossRatio = trial.offered > 0 ? max(0, 1 - Double(trial.received) / Double(trial.offered)) : nil
      if trial.offeredRate < rate * GenerateReport.tolerance {
        irregular = ["the generator sent \(FrameRate.text(trial.offeredRate)) of \(FrameRate.text(rate))"]
      }
    }
    if let waited = trial.deviceWaited {
      waitedPercent = (waited * 100).short
      if waited > Self.waitLimit {
        irregular =
          (irregular ?? []) + ["the device had no CPU for \((waited * 100).short) % of the time: others had it"]
      }
    }
  }
}
