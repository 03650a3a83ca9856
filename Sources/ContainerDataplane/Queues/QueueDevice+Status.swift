import TenantAPI
import XSKEngine

extension QueueDevice {
  /// How things are with the queues of a pool.
  ///
  /// - Parameter tenants: all that have queues of this device.
  func status(_ pool: QueuePool, _ tenants: [Tenant]) -> QueuePoolStatus {
    var (device, program) = facts
    device?.lookAtXDP()
    let owners = tenants.reduce(into: [Int: Tenant.ID]()) { owners, tenant in
      for queue in tenant.physicalQueues?.queues ?? [] { owners[queue] = tenant.id }
    }
    let count = device?.queues.receive ?? 0
    // Of a device that isn't there, those at least that somebody has.
    let numbers = Set(pool.numbers(of: count)).union(owners.keys).sorted()
    let lost = lost
    let queues = numbers.map { queue in
      guard let owner = owners[queue] else {
        let isHeld = device?.boundQueues?.contains(queue) == true
        return QueuePoolStatus.Queue(queue: queue, state: queue >= count ? .missing : isHeld ? .held : .free)
      }
      return QueuePoolStatus.Queue(
        queue: queue, state: queue >= count ? .missing : .used, tenant: owner,
        isLost: lost.contains(queue) ? true : nil)
    }
    return QueuePoolStatus(
      name: pool.name, device: name, pciID: device?.busAddress, problem: obstacle.map { "\($0)" },
      mode: program?.mode.rawValue, hasZeroCopy: device?.xdp.map { $0.features.contains(.zeroCopy) }, queues: queues)
  }
}
