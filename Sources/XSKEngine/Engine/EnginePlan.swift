import CXsk

/// Which worker gets which queues, and with what memory: decided before anything is touched.
struct EnginePlan: Sendable {
  struct Queue: Hashable, Sendable {
    let port: Int
    let queue: Int
    /// Its place in the counter page.
    let slot: Int
    /// Of a spare port.
    var isSpare = false
  }

  struct Worker: Sendable {
    let index: Int
    let cpu: Int
    let queues: [Queue]
    /// The place of its packets of its own in the counter page, if it may have any.
    var localSlot: Int?
    /// The place of its first queue in the counter page; the others follow.
    var firstSlot: Int { queues[0].slot }
    var slotCount: Int { queues.count + (localSlot == nil ? 0 : 1) }
  }

  let devices: [NetworkDevice]
  /// Queue numbers of each port, spare ones included.
  let queues: [[Int]]
  let workers: [Worker]
  let socket: SocketConfiguration
  /// Packets that a worker's handler may hold.
  let holdCapacity: Int
  let umem: UMEMConfiguration

  /// - Parameter devices: the configuration's ports, looked up.
  /// - Throws: a configuration that can't be carried out, before anything was changed.
  init(
    _ configuration: EngineConfiguration, devices: [NetworkDevice], attachments: [Attachment?] = []
  ) throws(XSKError) {
    self.devices = devices
    let named = zip(configuration.ports, devices).map { $0.queues ?? Array(0..<$1.queues.receive) }
    try Self.validate(configuration.ports, named, spares: configuration.spares.count)
    let cpus = try Self.cpus(configuration, named)
    queues = named + (0..<configuration.spares.count).map { _ in Array(cpus.indices) }
    workers = Self.assign(
      queues, to: cpus, firstSpare: named.count, hasLocalPort: configuration.localPort != nil)
    if let worker = workers.first(where: { $0.slotCount > FrameOwners.maximumSlots }) {
      throw XSKError(
        "\(worker.queues.count) queues on one worker",
        "more than the \(FrameOwners.maximumSlots) that it can tell apart",
        remedy: "name more cores or fewer queues")
    }
    var socket = configuration.socket
    socket.multiBuffer = socket.multiBuffer || Self.needsSeveralBuffers(configuration.umem, devices)
    let most = workers.map(\.slotCount).max() ?? 1
    let holdCapacity = configuration.worker.holdCapacity + configuration.heldPerQueue * most
    let workers = workers
    socket = Self.fit(socket, chunkSize: configuration.umem.chunkSize, attachments) {
      Self.umem(configuration, $0, workers, devices, holdCapacity).frames
    }
    self.holdCapacity = holdCapacity
    self.socket = socket
    umem = Self.umem(configuration, socket, workers, devices, holdCapacity)
  }

  private static func validate(
    _ ports: [PortConfiguration], _ queues: [[Int]], spares: Int
  ) throws(XSKError) {
    guard (1...254).contains(ports.count + spares) else {
      throw XSKError(
        "\(ports.count + spares) ports", "out of range",
        remedy: spares == 0 ? "name 1 to 254 devices" : "use 1 to 254, spare ones included")
    }
    for (index, port) in ports.enumerated() {
      guard !queues[index].isEmpty else {
        throw XSKError(port.device, "no queue is named", remedy: "give at least one with --queues")
      }
      guard Set(queues[index]).count == queues[index].count else {
        throw XSKError(port.device, "a queue is named twice", remedy: "name each queue once with --queues")
      }
      guard !ports[..<index].contains(where: { $0.device == port.device }) else {
        throw XSKError(port.device, "is named twice", remedy: "name two different devices")
      }
    }
  }

  /// One CPU a worker. Every worker needs a queue on every port, or it could not forward.
  private static func cpus(_ configuration: EngineConfiguration, _ queues: [[Int]]) throws(XSKError) -> [Int] {
    // Spare ports alone have as many queues as there are workers.
    let most = queues.map(\.count).min() ?? (configuration.cores?.count ?? 1)
    if let cores = configuration.cores {
      guard !cores.isEmpty, Set(cores).count == cores.count else {
        throw XSKError("--cores", "names no CPU, or one twice", remedy: "name each CPU once")
      }
      guard cores.count <= most else {
        throw XSKError(
          "\(cores.count) cores", "more than the \(most) queue(s) that the port with the fewest has",
          remedy: "name at most \(most) core(s), or more queues")
      }
      return cores
    }
    var allowed = [UInt32](repeating: 0, count: 1024)
    let count = unsafe Int(max(0, cxsk_allowed_cpus(&allowed, CInt(allowed.count))))
    // The highest first: CPU 0 is where most machines serve their interrupts.
    let workers = max(1, min(most, configuration.workers ?? most, count))
    return Array(allowed[..<count].map { Int($0) }.reversed().prefix(workers))
  }

  /// Queues are dealt to the workers in turn, port by port.
  private static func assign(_ queues: [[Int]], to cpus: [Int], firstSpare: Int, hasLocalPort: Bool) -> [Worker] {
    var slot = 0
    return cpus.enumerated().map { index, cpu in
      var mine: [Queue] = []
      for (port, numbers) in queues.enumerated() {
        for place in stride(from: index, to: numbers.count, by: cpus.count) {
          mine.append(Queue(port: port, queue: numbers[place], slot: slot, isSpare: port >= firstSpare))
          slot += 1
        }
      }
      guard hasLocalPort else { return Worker(index: index, cpu: cpu, queues: mine) }
      defer { slot += 1 }
      return Worker(index: index, cpu: cpu, queues: mine, localSlot: slot)
    }
  }

  /// Bytes of the largest frame of a device: its MTU, the Ethernet header, two VLAN tags.
  static func largestFrame(_ device: NetworkDevice) -> Int { device.mtu + 14 + 8 }

  /// Whether a frame of one of the devices can be longer than a chunk.
  static func needsSeveralBuffers(_ umem: UMEMConfiguration, _ devices: [NetworkDevice]) -> Bool {
    let room = umem.chunkSize - UMEMConfiguration.xdpHeadroom - umem.headroom
    return devices.contains { largestFrame($0) > room }
  }

  /// Enough frames to fill every ring at once, a burst for each queue, and what the handler may hold; on the node of the
  /// first device that has one.
  private static func umem(
    _ configuration: EngineConfiguration, _ socket: SocketConfiguration, _ workers: [Worker],
    _ devices: [NetworkDevice], _ holdCapacity: Int
  ) -> UMEMConfiguration {
    var umem = configuration.umem
    if configuration.metadata.isOn { umem.metadataLength = configuration.metadata.length }
    umem.numaNode = umem.numaNode ?? devices.lazy.map(\.numaNode).first { $0 >= 0 }
    guard umem.frames == 0 else { return umem }
    func frames(_ rings: RingSizes, _ level: Int) -> Int {
      (level == 0 ? Int(rings.fill) : level) + Int(rings.transmit) + max(64, configuration.worker.batch)
    }
    let most = workers.map { $0.queues.count { !$0.isSpare } }.max() ?? 0
    let rings =
      most * frames(socket.rings, configuration.worker.fillLevel)
      + configuration.spares.count * frames(configuration.spares.rings, configuration.spares.fillLevel)
    // A held packet of several descriptors takes more; that it does then comes off the rings.
    umem.frames = max(64, rings + holdCapacity)
    return umem
  }
}
