import XSKEngine

/// A running engine at one moment, as one object for programs: what `xskfwd top --json` prints for each interval.
public struct TopReport: Codable, Hashable, Sendable {
  /// Per second, over `interval_s`.
  public struct Rates: Codable, Hashable, Sendable {
    public var received: Double
    public var forwarded: Double
    public var delivered: Double
    /// By reason; only reasons that occurred in the interval.
    public var dropped: [String: Double]
    public var bits: Double
    public var txKick: Double
    public var rxKick: Double
    public var poll: Double

    enum CodingKeys: String, CodingKey {
      case received, forwarded, delivered, dropped, bits
      case txKick = "tx_kick"
      case rxKick = "rx_kick"
      case poll
    }
  }

  public struct Worker: Codable, Hashable, Sendable {
    /// -1: not pinned.
    public var cpu: Int
    /// The share of the interval spent on packets, 0…1.
    public var busy: Double
  }

  public var pid: Int32
  public var tool: String
  public var version: String
  public var command: String
  public var state: String
  public var uptime: Double
  public var interval: Double
  public var ports: [RunSummary.Port]
  public var workers: [Worker]
  public var rates: Rates
  /// Totals since the start.
  public var packets: RunSummary.Packets
  public var bytes: RunSummary.Bytes
  public var kernel: RunSummary.Kernel
  public var syscalls: RunSummary.Syscalls
  public var frames: RunSummary.Frames

  enum CodingKeys: String, CodingKey {
    case pid, tool, version, command, state
    case uptime = "uptime_s"
    case interval = "interval_s"
    case ports, workers, rates, packets, bytes, kernel, syscalls, frames
  }

  public init(from old: CounterSnapshot, to new: CounterSnapshot) {
    let rates = CounterRates(from: old, to: new)
    pid = new.process.pid
    tool = new.description.tool
    version = new.description.version
    command = new.description.command
    state = new.state.name
    uptime = new.uptime
    interval = rates.seconds
    ports = new.description.ports.map(RunSummary.Port.init)
    workers = rates.busy.enumerated().map { index, busy in
      Worker(cpu: new.description.slots.first { $0.worker == index }?.cpu ?? -1, busy: busy)
    }
    self.rates = Rates(
      received: rates.received, forwarded: rates.forwarded, delivered: rates.delivered,
      dropped: Dictionary(uniqueKeysWithValues: rates.drops.map { ($0.name, $0.rate) }), bits: rates.bits,
      txKick: rates.txKicks, rxKick: rates.rxKicks, poll: rates.polls)
    packets = .init(new)
    bytes = .init(new)
    kernel = .init(new)
    syscalls = .init(new)
    frames = .init(new)
  }
}

extension CounterSnapshot {
  /// Seconds since the page was made.
  public var uptime: Double {
    readMonotonic > startedMonotonic ? Double(readMonotonic - startedMonotonic) / 1e9 : 0
  }
}
