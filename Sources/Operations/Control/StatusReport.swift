import Reporting
import XSKEngine

/// A running engine, its ports and its workers: what `GET /v1/status` answers.
public struct StatusReport: Codable, Hashable, Sendable {
  public struct Port: Codable, Hashable, Sendable {
    public var name: String
    /// What its device is called now; of an empty spare port "".
    public var device: String
    /// `zerocopy`, `copy`, `generic`, or `none`.
    public var mode: String
    public var queues: [Int]
    /// `up`, `down`, `gone`; `unknown`, of a device elsewhere of which nobody tells; `empty`, of a spare port without one.
    public var link: String
    public var mac: String
    public var mtu: Int
    public var driver: String
    /// Its packets go to the kernel's stack, by an operator's wish.
    public var drained: Bool
  }

  public struct Worker: Codable, Hashable, Sendable {
    public var worker: Int
    /// -1: not pinned.
    public var cpu: Int
    /// The share of the last second or so that was spent on packets, 0…1.
    public var busy: Double
    /// Seconds since the worker's last housekeeping; some 0.1 at most while it is well.
    public var silence: Double

    enum CodingKeys: String, CodingKey {
      case worker, cpu, busy
      case silence = "silence_s"
    }
  }

  public var pid: Int32
  /// Clock ticks from boot to the process's start, as in /proc: with `pid` it means this process and no later one.
  public var pidStart: UInt64
  public var tool: String
  public var version: String
  public var command: String
  /// `starting`, `running`, or `stopped`.
  public var state: String
  /// Seconds.
  public var uptime: Double
  public var ports: [Port]
  public var workers: [Worker]
  /// What the engine had to say: the newest lines.
  public var messages: [String]
  /// How many lines there ever were.
  public var messageCount: Int

  enum CodingKeys: String, CodingKey {
    case pid, tool, version, command, state, ports, workers, messages
    case pidStart = "pid_start"
    case uptime = "uptime_s"
    case messageCount = "message_count"
  }

  /// - Parameters:
  ///   - old: an earlier snapshot, for the workers' load.
  ///   - messages: the newest lines, and how many there ever were.
  public init(
    from old: CounterSnapshot, to new: CounterSnapshot, ports: [PortStatus], messages: (lines: [String], count: Int)
  ) {
    let rates = CounterRates(from: old, to: new)
    pid = new.process.pid
    pidStart = new.process.start
    tool = new.description.tool
    version = new.description.version
    command = new.description.command
    state = new.state.name
    uptime = new.uptime
    self.ports = ports.map(Port.init)
    workers = new.workers.indices.map { index in
      Worker(
        worker: index, cpu: new.description.slots.first { $0.worker == index }?.cpu ?? -1, busy: rates.busy[index],
        silence: new.silence(ofWorker: index))
    }
    self.messages = messages.lines
    messageCount = messages.count
  }
}

extension StatusReport.Port {
  init(_ status: PortStatus) {
    self.init(
      name: status.name, device: status.device.name, mode: status.mode?.rawValue ?? "none", queues: status.queues,
      link: status.link, mac: status.device.hardwareAddressText, mtu: status.device.mtu, driver: status.device.driver,
      drained: status.isDrained)
  }
}

extension CounterSnapshot {
  /// Seconds since a worker's last housekeeping.
  func silence(ofWorker index: Int) -> Double {
    let beat = workers[index][.heartbeat]
    return readMonotonic > beat ? Double(readMonotonic - beat) / 1e9 : 0
  }
}
