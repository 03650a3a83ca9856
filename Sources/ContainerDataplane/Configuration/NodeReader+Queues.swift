import ConfigurationFile
import XSKEngine

extension Section {
  static let queuePool = Section("queue-pool", ["device", "queues"], required: ["device"])
}

extension ConfigurationReader {
  /// Devices whose queues tenants may have.
  ///
  /// - Parameter count: how many queues a device has; nil: it isn't there, or nobody has looked.
  mutating func readQueuePools(
    _ element: Element, uplinks: [String], count: (String) -> Int?
  ) -> [QueuePool] {
    guard let entries = entries(element, "a name, and a device below it") else { return [] }
    var pools: [QueuePool] = []
    for entry in entries {
      check(word: entry)
      let before = problems.count
      guard let pool = readQueuePool(entry) else { continue }
      let device = fieldElement(entry.element, "device")
      if pool.device == "lo" { reportLoopback(device) }
      if uplinks.contains(pool.device) {
        report(
          device, value: pool.device, "an uplink: the dataplane takes all of its packets",
          "name another device, a virtual function of it perhaps")
      }
      if let other = pools.first(where: { $0.device == pool.device }) {
        report(
          device, value: pool.device, "\"\(other.name)\" has the same device",
          "name all of its queues there")
      }
      if problems.count == before, let count = count(pool.device) {
        check(pool, count, fieldElement(entry.element, "queues"))
      }
      pools.append(pool)
    }
    return pools
  }

  private mutating func readQueuePool(_ entry: Entry) -> QueuePool? {
    guard let fields = fields(entry.element, .queuePool),
      let device = value(fields["device"], "a device's name", PacketValue.device)
    else { return nil }
    return QueuePool(
      entry.key, device: device, queues: numbers(fields["queues"], below: Tenant.physicalQueueRange.upperBound + 1))
  }

  private mutating func check(_ pool: QueuePool, _ count: Int, _ element: Element) {
    for queue in pool.queues ?? [] where queue >= count {
      report(
        element, value: "\(queue)", "\(pool.device) has \(count == 1 ? "queue 0 alone" : "queues 0 to \(count - 1)")",
        "name one of these, or give it more: ethtool -L \(pool.device)")
    }
  }
}
