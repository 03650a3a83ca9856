import Glibc
import Rtnetlink
import TenantAPI
import XSKEngine

/// Finds out by trying, or by asking the kernel, which tiers this node has. What is made for it is made in a network namespace
/// that goes with the probe. Some tens of milliseconds; needs CAP_SYS_ADMIN.
public struct TierProbe: Sendable {
  private let pools: [QueuePool]

  /// - Parameter pools: devices of the configuration whose queues containers can have.
  public init(pools: [QueuePool]) { self.pools = pools }

  public func reports() -> [TierReport] {
    // All that an attachment needs of the kernel.
    let order = Result { () throws(XSKError) in
      try TrialNamespace.run { () throws(XSKError) in try HandoverOrder.look() }
    }
    // To physical devices nothing is attached: that may flap their links.
    return [veth(order), TierReport(pools.map(Self.look), order), queueLease]
  }

  // MARK: veth

  private func veth(_ order: Result<HandoverOrder, XSKError>) -> TierReport {
    switch order {
    case .success(.none): TierReport(.veth, isAvailable: false, "\(HandoverOrder.neither)")
    case .success(let order):
      TierReport(
        .veth, isAvailable: true,
        "copy mode; a program was attached to a veth, and a socket bound"
          + (order == .boundFirst ? "" : "; before Linux 6.4 that comes after the container has mapped its rings"))
    case .failure(let error): TierReport(.veth, isAvailable: false, "\(error)")
    }
  }

  // MARK: Physical queue

  private static func look(_ pool: QueuePool) -> QueuePoolStatus {
    var device: NetworkDevice
    do throws(XSKError) { device = try NetworkDevice(named: pool.device, looksFar: false) } catch {
      return QueuePoolStatus(
        name: pool.name, device: pool.device, problem: "\(error.subject): \(error.problem)", queues: [])
    }
    device.lookAtXDP()
    let count = device.queues.receive
    let queues = pool.numbers(of: count).map { queue in
      QueuePoolStatus.Queue(
        queue: queue,
        // By a tenant's socket or another's: only the daemon knows, and may be running.
        state: queue >= count ? .missing : device.boundQueues?.contains(queue) == true ? .bound : .free)
    }
    let added = device.receiveQueuesUnderXDP
    let problem =
      added > count
      ? "\(device.addedQueues(added, from: count))"
      : device.isUp ? nil : "\(device.name): is down; bring it up: ip link set dev \(device.name) up"
    return QueuePoolStatus(
      name: pool.name, device: pool.device, pciID: device.busAddress, problem: problem,
      hasZeroCopy: device.xdp.map { $0.features.contains(.zeroCopy) }, queues: queues)
  }

  // MARK: Queue lease

  private var queueLease: TierReport {
    var kind: XSKError?
    do throws(XSKError) {
      try TrialNamespace.run { () throws(XSKError) in try Netlink().create("probe0", kind: "netkit") }
    } catch { kind = error }
    let command = NetdevQueues.canLease
    let lacks = [
      kind.map {
        $0.code == EOPNOTSUPP ? "has no netkit devices (CONFIG_NETKIT)" : "makes no netkit device: \($0.problem)"
      },
      command == true ? nil : "has no queue leases (netdev queue-create, Linux 7.1)",
    ].compactMap { $0 }
    return TierReport(
      .queueLease, isAvailable: false,
      lacks.isEmpty
        ? "this kernel has netkit devices and queue leases; this xskd does not use them"
        : "this kernel \(lacks.joined(separator: ", and "))")
  }
}
