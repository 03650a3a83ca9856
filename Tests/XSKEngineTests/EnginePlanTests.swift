import Testing

@testable import XSKEngine

@Suite struct EnginePlanTests {
  static func device(_ name: String, queues: Int = 1, mtu: Int = 1500) -> NetworkDevice {
    var device = NetworkDevice.ideal
    device.name = name
    device.mtu = mtu
    device.queues = NetworkDevice.Queues(receive: queues, transmit: queues)
    return device
  }

  static func plan(
    _ ports: [(name: String, queues: Int)], _ change: (inout EngineConfiguration) -> Void = { _ in }
  ) throws -> EnginePlan {
    var configuration = EngineConfiguration(ports: ports.map { PortConfiguration($0.name) })
    change(&configuration)
    return try EnginePlan(configuration, devices: ports.map { device($0.name, queues: $0.queues) })
  }

  // MARK: Refusals

  struct Refusal: Sendable, CustomTestStringConvertible {
    let words: String
    let ports: [(name: String, queues: Int)]
    let change: @Sendable (inout EngineConfiguration) -> Void
    var testDescription: String { words }

    init(
      _ words: String, _ ports: [(name: String, queues: Int)],
      _ change: @escaping @Sendable (inout EngineConfiguration) -> Void = { _ in }
    ) {
      (self.words, self.ports, self.change) = (words, ports, change)
    }
  }

  static let refusals = [
    Refusal("0 ports: out of range; name 1 to 254 devices", []),
    Refusal("255 ports: out of range; name 1 to 254 devices", (0..<255).map { ("p\($0)", 1) }),
    Refusal("a0: is named twice; name two different devices", [("a0", 1), ("b0", 1), ("a0", 1)]),
    Refusal("a0: no queue is named; give at least one with --queues", [("a0", 4)]) { $0.ports[0].queues = [] },
    Refusal("a0: a queue is named twice; name each queue once with --queues", [("a0", 4)]) {
      $0.ports[0].queues = [1, 2, 1]
    },
    Refusal("--cores: names no CPU, or one twice; name each CPU once", [("a0", 4)]) { $0.cores = [] },
    Refusal("--cores: names no CPU, or one twice; name each CPU once", [("a0", 4)]) { $0.cores = [1, 1] },
    Refusal(
      "3 cores: more than the 2 queue(s) that the port with the fewest has; name at most 2 core(s), or more queues",
      [("a0", 4), ("b0", 2)]
    ) { $0.cores = [0, 1, 2] },
    Refusal(
      "1023 queues on one worker: more than the 1022 that it can tell apart; name more cores or fewer queues",
      [("a0", 1023)]
    ) { $0.cores = [0] },
  ]

  @Test(arguments: refusals) func `what can't be carried out is refused in words`(refusal: Refusal) {
    #expect(problem { _ = try Self.plan(refusal.ports, refusal.change) } == refusal.words)
  }

  @Test(
    arguments: [
      (WorkerConfiguration(), nil),
      (WorkerConfiguration(batch: 1), nil),
      (WorkerConfiguration(batch: 1024, kickMicroseconds: 0, drainMilliseconds: 0), nil),
      (WorkerConfiguration(batch: 0), "batch 0: out of range; use 1 to 1024"),
      (WorkerConfiguration(batch: 1025), "batch 1025: out of range; use 1 to 1024"),
      (WorkerConfiguration(batch: -5), "batch -5: out of range; use 1 to 1024"),
      (WorkerConfiguration(spinMicroseconds: -1), "spin time in microseconds -1: out of range; use 0 to 60000000"),
      (WorkerConfiguration(kickThreshold: 0), "kick threshold 0: out of range; use 1 to 65536"),
      (WorkerConfiguration(kickThreshold: -1), "kick threshold -1: out of range; use 1 to 65536"),
      (
        WorkerConfiguration(kickMicroseconds: .min),
        "kick time in microseconds \(Int.min): out of range; use 0 to 60000000"
      ),
      (WorkerConfiguration(fillLevel: -1), "fill level -1: out of range; use 0 to 65536"),
      (WorkerConfiguration(holdCapacity: -1), "hold capacity -1: out of range; use 0 to 4194304"),
      (WorkerConfiguration(drainMilliseconds: -1), "drain time in milliseconds -1: out of range; use 0 to 600000"),
      (
        WorkerConfiguration(busyPollMicroseconds: -1),
        "busy-poll time in microseconds -1: out of range; use 0 to 1000000"
      ),
      (WorkerConfiguration(busyPollBudget: 0), "busy-poll budget 0: out of range; use 1 to 65535"),
      (WorkerConfiguration(busyPollBudget: 65536), "busy-poll budget 65536: out of range; use 1 to 65535"),
    ] as [(WorkerConfiguration, String?)])
  func `a worker's numbers are in range or refused in words`(configuration: WorkerConfiguration, words: String?) {
    #expect(problem(configuration.validate) == words)
    if words != nil { #expect(problem { _ = try SimulatedRig(configuration) { _ in } } == words) }
  }

  // MARK: Who gets what

  @Test(
    arguments: [
      ([("a0", 1)], [7], ["0: 0.0"]),
      ([("a0", 4)], [7], ["0: 0.0 0.1 0.2 0.3"]),
      ([("a0", 4)], [7, 3], ["0: 0.0 0.2", "2: 0.1 0.3"]),
      ([("a0", 2), ("b0", 2)], [7, 3], ["0: 0.0 1.0", "2: 0.1 1.1"]),
      ([("a0", 3), ("b0", 2)], [1, 2], ["0: 0.0 0.2 1.0", "3: 0.1 1.1"]),
    ] as [([(String, Int)], [Int], [String])])
  func `queues are dealt to workers in turn and every worker has one on each port`(
    ports: [(String, Int)], cores: [Int], expected: [String]
  ) throws {
    let plan = try Self.plan(ports) { $0.cores = cores }
    #expect(plan.workers.map(\.cpu) == cores)
    let dealt = plan.workers.map { worker in
      "\(worker.firstSlot): " + worker.queues.map { "\($0.port).\($0.queue)" }.joined(separator: " ")
    }
    #expect(dealt == expected)
    #expect(plan.workers.flatMap { $0.queues.map(\.slot) } == Array(0..<ports.reduce(0) { $0 + $1.1 }))
  }

  @Test func `queues that are named are taken and no others`() throws {
    let plan = try Self.plan([("a0", 8)]) {
      $0.ports[0].queues = [5, 2]
      $0.cores = [0]
    }
    #expect(plan.queues == [[5, 2]] && plan.workers[0].queues.map(\.queue) == [5, 2])
  }

  @Test(
    arguments: [
      ("virtio_net", nil, 2, 8, 2, 4), ("virtio_net", nil, 2, 4, 2, 4), ("virtio_net", nil, 2, 3, 2, 2),
      ("virtio_net", .generic, 2, 8, 2, 4), ("virtio_net", .native, 4, 8, 2, 4), ("ice", nil, 2, 8, 2, 2),
    ] as [(String, AttachedProgram.Place?, Int, Int, Int, Int)])
  func `queues that a driver adds with an XDP program are known`(
    driver: String, program: AttachedProgram.Place?, queues: Int, most: Int, cpus: Int, expected: Int
  ) {
    var device = NetworkDevice.ideal
    device.driver = driver
    device.queues = NetworkDevice.Queues(receive: queues, transmit: queues, maximumReceive: most)
    device.program = program.map { AttachedProgram(id: 1, place: $0, name: nil) }
    #expect(device.receiveQueuesUnderXDP(possibleCPUs: cpus) == expected)
  }

  @Test func `without cores there is a worker a queue as far as CPUs go`() throws {
    let plan = try Self.plan([("a0", 2), ("b0", 1)])
    #expect(plan.workers.count == 1, "the port with the fewest queues has one")
    let cpus = try Self.plan([("a0", 64)]).workers.map(\.cpu)
    #expect(!cpus.isEmpty && Set(cpus).count == cpus.count && cpus == cpus.sorted(by: >))
  }

  // MARK: Memory

  @Test(arguments: [
    (1500, 2048, 0, false), (1770, 2048, 0, false), (1771, 2048, 0, true), (9000, 4096, 0, true),
    (1500, 2048, 512, true),
  ])
  func `several buffers are asked for when a frame does not fit a chunk`(
    mtu: Int, chunk: Int, headroom: Int, several: Bool
  ) throws {
    var configuration = EngineConfiguration(ports: [PortConfiguration("a0")])
    configuration.umem = UMEMConfiguration(frames: 0, chunkSize: chunk, headroom: headroom)
    let plan = try EnginePlan(configuration, devices: [Self.device("a0", mtu: mtu)])
    #expect(plan.socket.multiBuffer == several)
    #expect(EnginePlan.largestFrame(Self.device("a0", mtu: mtu)) == mtu + 22)
  }

  @Test(arguments: [
    (1, 64, 64, 0, 64, 0, 128 + 64 + 64), (2, 64, 64, 0, 64, 0, 2 * (128 + 64 + 64)),
    (1, 64, 64, 0, 256, 0, 128 + 64 + 256),
    (1, 64, 64, 10, 64, 0, 10 + 64 + 64), (1, 64, 64, 0, 64, 1000, 128 + 64 + 64 + 1000),
  ]) func `memory left to the plan fills every ring and all that may be held`(
    queues: Int, receive: UInt32, transmit: UInt32, level: Int, batch: Int, hold: Int, frames: Int
  ) throws {
    let plan = try Self.plan([("a0", queues)]) {
      $0.cores = [0]
      $0.socket.rings = RingSizes(receive: receive, transmit: transmit)
      $0.worker = WorkerConfiguration(batch: batch, fillLevel: level, holdCapacity: hold)
    }
    #expect(plan.umem.frames == frames)
    let own = try Self.plan([("a0", queues)]) { $0.umem.frames = 777 }
    #expect(own.umem.frames == 777, "what was asked for")
  }

  @Test(
    arguments: [
      ([-1, -1], nil, nil), ([-1, 1], nil, 1), ([1, 0], nil, 1), ([1], 0, 0),
    ] as [([Int], Int?, Int?)]) func `memory lies on the node of the first device that has one`(
      nodes: [Int], wanted: Int?, node: Int?
    ) throws
  {
    let devices = nodes.enumerated().map { index, node in
      var device = Self.device("a\(index)")
      device.numaNode = node
      return device
    }
    var configuration = EngineConfiguration(ports: devices.map { PortConfiguration($0.name) })
    configuration.umem.numaNode = wanted
    #expect(try EnginePlan(configuration, devices: devices).umem.numaNode == node)
    configuration.umem.frames = 512
    #expect(try EnginePlan(configuration, devices: devices).umem.numaNode == node)
  }
}
