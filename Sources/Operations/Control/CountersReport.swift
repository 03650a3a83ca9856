import Reporting
import XSKEngine

/// Every counter under its name: what `GET /v1/counters` answers.
public struct CountersReport: Codable, Hashable, Sendable {
  public struct Totals: Codable, Hashable, Sendable {
    public var packets: RunSummary.Packets
    public var bytes: RunSummary.Bytes
    public var kernel: RunSummary.Kernel
    public var syscalls: RunSummary.Syscalls
    public var frames: RunSummary.Frames
  }

  public struct Queue: Codable, Hashable, Sendable {
    public var port: String
    public var queue: Int
    public var worker: Int
    public var counters: [String: UInt64]
    /// Packets dropped, by reason; reasons that never occurred are there with 0.
    public var dropped: [String: UInt64]
  }

  public struct Worker: Codable, Hashable, Sendable {
    public var worker: Int
    /// -1: not pinned.
    public var cpu: Int
    public var counters: [String: UInt64]
  }

  public var pid: Int32
  public var uptime: Double
  public var totals: Totals
  /// Sums of the queues' counters, by the port that packets came in on (transmitted ones: went out by).
  public var ports: [String: [String: UInt64]]
  public var queues: [Queue]
  public var workers: [Worker]

  enum CodingKeys: String, CodingKey {
    case pid, totals, ports, queues, workers
    case uptime = "uptime_s"
  }

  public init(_ snapshot: CounterSnapshot) {
    pid = snapshot.process.pid
    uptime = snapshot.uptime
    totals = Totals(
      packets: .init(snapshot), bytes: .init(snapshot), kernel: .init(snapshot), syscalls: .init(snapshot),
      frames: .init(snapshot))
    ports = [:]
    queues = []
    for (slot, place) in zip(snapshot.slots, snapshot.description.slots) {
      let port = snapshot.description.ports[place.port].name
      // An errno has no sum.
      let sums = slot.counters.filter { $0.key != QueueCounter.failure.name }
      ports[port, default: [:]].merge(sums) { $0 &+ $1 }
      queues.append(
        Queue(port: port, queue: place.queue, worker: place.worker, counters: slot.counters, dropped: slot.drops))
    }
    workers = snapshot.workers.enumerated().map { index, worker in
      Worker(
        worker: index, cpu: snapshot.description.slots.first { $0.worker == index }?.cpu ?? -1,
        counters: worker.counters)
    }
  }
}

/// Where packets got lost and why: what `GET /v1/drops` answers.
public struct DropsReport: Codable, Hashable, Sendable {
  public struct Reason: Codable, Hashable, Sendable {
    public var reason: String
    public var packets: UInt64
    /// By the port that they came in on, where there were any.
    public var ports: [String: UInt64]
    /// Dropped by the XDP program on the engine's behalf (verdict offload); not in `packets`.
    public var offloaded: UInt64
  }

  public var pid: Int32
  public var uptime: Double
  public var received: UInt64
  public var dropped: UInt64
  /// Dropped and redirected by the XDP program on the engine's behalf (verdict offload); neither in `received` nor `dropped`.
  public var offloaded: UInt64
  public var redirected: UInt64
  /// All reasons that there are, the most frequent first.
  public var reasons: [Reason]
  /// What the kernel lost before the engine saw it; not in `received`.
  public var kernel: RunSummary.Kernel

  enum CodingKeys: String, CodingKey {
    case pid, received, dropped, offloaded, redirected, reasons, kernel
    case uptime = "uptime_s"
  }

  public init(_ snapshot: CounterSnapshot) {
    pid = snapshot.process.pid
    uptime = snapshot.uptime
    received = snapshot.total(.receivedPackets)
    var found: [String: Reason] = [:]
    for (slot, place) in zip(snapshot.slots, snapshot.description.slots) {
      let port = snapshot.description.ports[place.port].name
      for (name, count) in slot.drops {
        found[name, default: Reason(reason: name, packets: 0, ports: [:], offloaded: 0)].packets &+= count
        if count > 0 { found[name]?.ports[port, default: 0] &+= count }
      }
    }
    for (name, count) in snapshot.kernel?.dropped ?? [:] {
      found[name, default: Reason(reason: name, packets: 0, ports: [:], offloaded: 0)].offloaded = count.packets
    }
    offloaded = snapshot.kernel?.droppedPackets ?? 0
    redirected = snapshot.kernel?.redirectedPackets ?? 0
    reasons = found.values.sorted { $0.packets == $1.packets ? $0.reason < $1.reason : $0.packets > $1.packets }
    dropped = reasons.reduce(0) { $0 &+ $1.packets }
    kernel = .init(snapshot)
  }
}
