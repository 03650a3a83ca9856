import Testing
import XSKLab

@testable import XSKEngine

/// The engine's worker on real devices, stepped by the test: no thread, so a test decides what happens between two turns.
///
/// It is set up as the engine does it: attach, sockets on one UMEM, fill rings filled, bind, XSKMAP.
final class SteppedWorker {
  /// A device and queues to receive from, through an XDP program.
  struct Attachment {
    var namespace: NetworkNamespace
    var device: String
    var queues = [0]
    var image = BPFImage.xsk_redirect
    var function = "xsk_redirect"
    /// What the engine's program writes ahead of packets; the UMEM must have room for it.
    var metadata = MetadataConfiguration()
    /// The program may ask the driver.
    var usesHints = true

    /// The programs to try on a device.
    func forms(for device: NetworkDevice) -> [ProgramForm] {
      guard metadata.isOn else { return [ProgramForm(image: image, function: function)] }
      var device = device
      if !usesHints { device.xdp?.receiveMetadata = [] }
      return ProgramForm.forms(metadata, for: device)
    }
  }

  let log = PacketLog()
  let umem: UMEM
  let counters: CounterReader
  private(set) var programs: [XDPProgram] = []
  private(set) var sockets: [XSKSocket] = []
  private var slots: [(attachment: Int, queue: Int)] = []
  private var worker: Worker<Recorder>?

  static let defaultSocket = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256))

  init(
    _ attachments: [Attachment], umem configuration: UMEMConfiguration = UMEMConfiguration(frames: 2048),
    socket options: SocketConfiguration = SteppedWorker.defaultSocket,
    worker settings: WorkerConfiguration = WorkerConfiguration(idle: .spin)
  ) throws {
    let umem = try UMEM(configuration)
    self.umem = umem
    let indices = try attachments.map { try $0.namespace.link($0.device).index }
    for (place, at) in attachments.enumerated() {
      programs.append(
        try at.namespace.run {
          let device = try NetworkDevice(named: at.device)
          return try XDPProgram(
            at.forms(for: device), device: at.device, ifindex: indices[place], queues: device.queues.receive,
            modes: [.native])
        })
      for queue in at.queues {
        slots.append((place, queue))
        let isFirst = sockets.isEmpty
        sockets.append(
          try at.namespace.run {
            try XSKSocket(name: "\(at.device) queue \(queue)", umem: isFirst ? umem : nil, options)
          })
      }
    }
    let page = try CounterReader.page()
    counters = CounterReader(page, slots: slots.count)
    var parts = try Self.parts(slots, sockets, page, umem, settings)
    parts.core.stockPool()
    for (place, slot) in slots.enumerated() {
      parts.core.refill(place)
      try sockets[place].bind(
        ifindex: indices[slot.attachment], queue: slot.queue, sharing: place == 0 ? nil : sockets[0])
      try programs[slot.attachment].insert(socket: sockets[place].descriptor, queue: slot.queue)
    }
    worker = Worker(parts, handler: Recorder(log: log))
  }

  /// On a socket and UMEM that somebody else made and bound.
  init(adopting socket: XSKSocket, umem: UMEM, worker settings: WorkerConfiguration = WorkerConfiguration(idle: .spin))
    throws
  {
    self.umem = umem
    sockets = [socket]
    slots = [(0, 0)]
    let page = try CounterReader.page()
    counters = CounterReader(page, slots: 1)
    var parts = try Self.parts(slots, sockets, page, umem, settings)
    parts.core.stockPool()
    parts.core.refill(0)
    worker = Worker(parts, handler: Recorder(log: log))
  }

  private static func parts(
    _ slots: [(attachment: Int, queue: Int)], _ sockets: [XSKSocket], _ page: CounterPage, _ umem: UMEM,
    _ settings: WorkerConfiguration
  ) throws(XSKError) -> WorkerParts {
    let queues = try FixedArray<XSKQueue>(count: slots.count) { place throws(XSKError) in
      XSKQueue(
        rings: QueueRings(sockets[place].rings), doorbell: .kernel(sockets[place].descriptor),
        counters: page.queue(slot: place), port: UInt8(slots[place].attachment), queue: slots[place].queue,
        maximumLength: 9022)
    }
    return try WorkerParts(
      queues: queues, workerCounters: page.worker(index: 0), configuration: settings,
      resources: WorkerResources(
        control: WorkerControl(), umem: umem, counterPage: page, sockets: sockets, devices: []))
  }

  /// One turn, without resting.
  @discardableResult func turn() -> Int { worker?.turn() ?? 0 }

  func housekeeping() { worker?.housekeeping() }

  /// Turns until the log has `count` packets; false if that takes too long.
  func receive(_ count: Int, within limit: Duration = patience) -> Bool {
    eventually(limit) {
      turn()
      return log.packets.count >= count
    }
  }

  /// Turns for a while in which nothing is to arrive any more.
  func settle(_ time: Duration = .milliseconds(30)) {
    _ = eventually(time) {
      turn()
      return false
    }
  }

  /// Stops as the engine does (no more packets, drain, detach, close) and asserts both invariants.
  func finish(sourceLocation: SourceLocation = #_sourceLocation) {
    for slot in slots where slot.attachment < programs.count { programs[slot.attachment].remove(queue: slot.queue) }
    worker?.drain()
    worker = nil
    for program in programs { program.detach() }
    sockets = []
    counters.expectInvariants(sourceLocation: sourceLocation)
  }
}
