/// What the queues of empty spare ports are made of: every queue has rings, and nobody looks at these.
struct EmptyQueue {
  private let device: SimulatedDevice

  init() throws(XSKError) { device = try SimulatedDevice(name: "empty", rings: RingSizes(receive: 1, transmit: 1)) }

  func queue(_ counters: QueueCounters, port: Int, queue: Int, fillLevel: Int) -> XSKQueue {
    var empty = XSKQueue(
      rings: QueueRings(device.memory), doorbell: .simulated(device.doorbell), counters: counters, port: UInt8(port),
      queue: queue, maximumLength: .max, fillLevel: fillLevel, isSpare: true)
    empty.isVacant = true
    return empty
  }
}

extension CounterDescription.Port {
  /// A spare port without a device.
  ///
  /// - Parameter number: among the spare ports, from 0.
  init(spare number: Int, queues: [Int]) {
    self.init(name: "spare\(number)", device: "", ifindex: 0, mode: "none", queues: queues, link: "empty")
  }
}
