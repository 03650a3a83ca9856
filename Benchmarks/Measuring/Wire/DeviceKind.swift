import XSKEngine

/// What a device under test is to do with packets, and so where they are counted.
public enum WireJob: String, CaseIterable, Codable, Sendable {
  /// Take them: counted are those that its port took off its queue.
  case drop
  /// Send them on by its other port: counted at the far end.
  case forward
  /// Send them back: counted where they came from.
  case reflect
}

/// A device under test between the two cables of the lab: `a0` on the generator's side, `b0` on the far side.
public enum DeviceKind: Hashable, Sendable {
  /// xskfwd, with one worker that spins.
  case ours(Ours)
  /// dpdk-testpmd on `net_af_xdp`, with one core that forwards.
  case testpmd(Testpmd)
  /// An XDP program that counts and drops.
  case xdpDrop
  /// An XDP program that redirects to the other port.
  case xdpRedirect
  /// The kernel's bridge.
  case bridge
  /// The kernel's IPv4 routing.
  case kernelRoute
  /// Any command; it has to attach to `a0` by itself.
  case command([String], WireJob)
  /// The engine, with a verdict on the generator's source address that its XDP program carries out; with or without punt.
  case verdict(punts: Bool, WireJob)

  public enum Ours: String, CaseIterable, Sendable { case drop, forward, gro, reflect }
  public enum Testpmd: String, CaseIterable, Sendable { case rxonly, io, macswap }

  /// All that have a name.
  public static var named: [DeviceKind] {
    Ours.allCases.map { .ours($0) } + Testpmd.allCases.map { .testpmd($0) }
      + [.xdpDrop, .xdpRedirect, .bridge, .kernelRoute]
  }

  public var name: String {
    switch self {
    case .ours(let mode): "ours-\(mode.rawValue)"
    case .testpmd(let mode): "testpmd-\(mode.rawValue)"
    case .xdpDrop: "xdp-drop"
    case .xdpRedirect: "xdp-redirect"
    case .bridge: "bridge"
    case .kernelRoute: "kernel-route"
    case .command(let words, _): "command:\(words.joined(separator: " "))"
    case .verdict(let punts, _): punts ? "punt and verdict" : "verdict"
    }
  }

  /// Its name in results, beside the job's.
  public var label: String {
    switch self {
    case .ours(.drop), .ours(.forward), .ours(.reflect): "xskfwd"
    case .ours(.gro): "xskfwd with GRO"
    case .testpmd(let mode): "testpmd \(mode.rawValue)"
    case .command(let words, _): words.first ?? ""
    default: name
    }
  }

  public var job: WireJob {
    switch self {
    case .ours(.drop), .testpmd(.rxonly), .xdpDrop: .drop
    case .ours(.reflect): .reflect
    case .command(_, let job), .verdict(_, let job): job
    default: .forward
    }
  }

  /// Finds what a name stands for. `ours` and `testpmd` stand for what does the job: drop, forward, or reflect.
  ///
  /// - Throws: what there is instead.
  public init(_ text: String, job: WireJob?) throws(XSKError) {
    if text.hasPrefix("command:") {
      let words = text.dropFirst("command:".count).split(separator: " ").map(String.init)
      guard !words.isEmpty else { throw XSKError("command:", "names no program", remedy: "give one behind the colon") }
      self = .command(words, job ?? .forward)
      return
    }
    switch (text, job ?? .forward) {
    case ("ours", .drop): self = .ours(.drop)
    case ("ours", .forward): self = .ours(.forward)
    case ("ours", .reflect): self = .ours(.reflect)
    case ("testpmd", .drop): self = .testpmd(.rxonly)
    case ("testpmd", .forward): self = .testpmd(.io)
    default:
      guard let kind = Self.named.first(where: { $0.name == text }) else {
        throw XSKError(
          "device \(text)", text == "testpmd" ? "reflects nothing" : "not one that the lab knows",
          remedy: "use ours, testpmd, command:PROGRAM…, \(Self.named.map(\.name).joined(separator: ", "))")
      }
      guard job == nil || job == kind.job else {
        throw XSKError(
          "device \(text)", "does not \(job!.rawValue), it does \(kind.job.rawValue)",
          remedy: "compare devices that do the same")
      }
      self = kind
    }
  }

  /// It takes packets by AF_XDP; on a veth that is always copy mode.
  public var isSocket: Bool {
    switch self {
    case .ours, .testpmd: true
    default: false
    }
  }

  /// Whether `a0` needs GRO: a veth takes the generator's frames only while its peer has an XDP program or GRO.
  var needsGRO: Bool { self == .bridge || self == .kernelRoute }
}
