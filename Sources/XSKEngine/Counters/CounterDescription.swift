/// What the numbers in a counter page belong to. Kept in the page as UTF-8 JSON, so that a reader of another version can
/// still make sense of every counter by its name.
public struct CounterDescription: Codable, Hashable, Sendable {
  /// A device that the engine receives from and transmits on.
  public struct Port: Codable, Hashable, Sendable {
    public var name: String
    public var device: String
    public var ifindex: Int
    /// `zerocopy`, `copy`, `generic`, `simulated`, or `local`: what was obtained, not what was asked for.
    public var mode: String
    /// The device's queue numbers that are in use.
    public var queues: [Int]
    /// `up`, `down`, or `gone`.
    public var link: String

    public init(name: String, device: String, ifindex: Int, mode: String, queues: [Int], link: String) {
      self.name = name
      self.device = device
      self.ifindex = ifindex
      self.mode = mode
      self.queues = queues
      self.link = link
    }
  }

  /// One (device, queue) of one worker.
  public struct Slot: Codable, Hashable, Sendable {
    /// The worker's index.
    public var worker: Int
    /// The processor that the worker is pinned to; -1 if it isn't.
    public var cpu: Int
    /// An index into `ports`.
    public var port: Int
    /// The device's queue number.
    public var queue: Int

    public init(worker: Int, cpu: Int, port: Int, queue: Int) {
      self.worker = worker
      self.cpu = cpu
      self.port = port
      self.queue = queue
    }
  }

  /// Where each counter is in its block: name to place.
  public struct Names: Codable, Hashable, Sendable {
    /// Places 0…63 of a worker's block.
    public var worker: [String: Int]
    /// Places 0…63 of a slot's block.
    public var queue: [String: Int]
    /// Places 0…255 after the counters of a slot's block.
    public var drops: [String: Int]

    /// The counters of this version.
    public static let current = Names(
      worker: .init(
        uniqueKeysWithValues: WorkerCounter.allCases.map { ($0.name, $0.rawValue) } + TurnHistogram.places),
      queue: .init(uniqueKeysWithValues: QueueCounter.allCases.map { ($0.name, $0.rawValue) }),
      drops: .init(uniqueKeysWithValues: DropReason.own.map { ($0.name, Int($0.rawValue)) }))

    /// With further drop reasons. A name that is taken stays with the first that had it.
    public func adding(_ reasons: [DropReason: String]) -> Names {
      let added = reasons.map { ($0.value, Int($0.key.rawValue)) }
      return Names(worker: worker, queue: queue, drops: drops.merging(added) { first, _ in first })
    }

    public init(worker: [String: Int], queue: [String: Int], drops: [String: Int]) {
      self.worker = worker
      self.queue = queue
      self.drops = drops
    }
  }

  /// The program, its version, and the command that it was started with.
  public var tool: String
  public var version: String
  public var command: String
  public var ports: [Port]
  public var slots: [Slot]
  public var counters: Names

  public init(
    tool: String, version: String, command: String, ports: [Port], slots: [Slot], counters: Names = .current
  ) {
    self.tool = tool
    self.version = version
    self.command = command
    self.ports = ports
    self.slots = slots
    self.counters = counters
  }

  /// Checks that every index points at something that exists in a page of `layout`.
  func validate(_ subject: String, against layout: CounterPageLayout) throws(XSKError) {
    guard slots.count == layout.slotCount else {
      throw damaged(subject, "describes \(slots.count) queues but has \(layout.slotCount)")
    }
    for (index, slot) in slots.enumerated() {
      guard (0..<layout.workerCount).contains(slot.worker) else {
        throw damaged(subject, "queue slot \(index) names worker \(slot.worker) of \(layout.workerCount)")
      }
      guard ports.indices.contains(slot.port) else {
        throw damaged(subject, "queue slot \(index) names port \(slot.port) of \(ports.count)")
      }
    }
    for (name, place) in [counters.worker, counters.queue].joined() where !(0..<64).contains(place) {
      throw damaged(subject, "puts counter \(name) at place \(place) of 64")
    }
    for (name, place) in counters.drops where !(0..<256).contains(place) {
      throw damaged(subject, "puts drop reason \(name) at place \(place) of 256")
    }
  }
}
