/// A worker's place on the local port: packets of the handler's own are counted and dispatched from it as from any queue.
/// Nothing arrives on its rings, which exist because every queue has rings.
struct LocalQueue {
  private let device: SimulatedDevice
  private let port: Int
  /// Its place in the counter page.
  private let slot: Int
  private let number: Int

  init(port: Int, slot: Int, queue: Int) throws(XSKError) {
    device = try SimulatedDevice(name: "local", rings: RingSizes(receive: 1, transmit: 1))
    (self.port, self.slot, number) = (port, slot, queue)
  }

  func queue(_ counters: CounterPage) -> XSKQueue {
    XSKQueue(
      rings: QueueRings(device.memory), doorbell: .simulated(device.doorbell), counters: counters.queue(slot: slot),
      port: UInt8(port), queue: number, maximumLength: .max, isLocal: true)
  }
}

extension CounterDescription.Port {
  /// The port of packets that begin here: a queue for each worker.
  init(local name: String, workers: Int) {
    self.init(name: name, device: name, ifindex: 0, mode: "local", queues: Array(0..<workers), link: "up")
  }
}
