import CXsk
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

  public func reports() -> [TierReport] { [veth, physicalQueue, queueLease] }

  // MARK: veth

  /// A pair is made, a program attached to one end, a socket bound there, and its rings mapped again, as by the process that it
  /// is handed to: all that an attachment needs of the kernel.
  private var veth: TierReport {
    let refusal = Self.inside { () throws(XSKError) in
      let netlink = try Netlink()
      try netlink.createVeth(VethLink(name: "probe0"), peer: VethLink(name: "probe1"))
      for name in ["probe0", "probe1"] { try netlink.setUp(name, true) }
      let device = try NetworkDevice(named: "probe0", looksFar: false)
      let program = try XDPProgram.plain(on: device)
      let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .plain))
      let socket = try XSKSocket(
        name: "probe0 queue 0", umem: umem, SocketConfiguration(rings: RingSizes(receive: 64, transmit: 64)))
      try socket.bind(ifindex: device.index, queue: 0)
      _ = try XSKSocket(adopting: dup(socket.descriptor), name: "veth", rings: socket.configuration.rings)
      program.detach()
    }
    return TierReport(
      .veth, isAvailable: refusal == nil,
      refusal.map { "\($0)" } ?? "copy mode; a program was attached to a veth, and a socket bound")
  }

  // MARK: Physical queue

  /// What the configuration's devices could do. Nothing is attached to them: that may flap their links.
  private var physicalQueue: TierReport { TierReport(pools.map(Self.look)) }

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
    let kind = Self.inside { () throws(XSKError) in try Netlink().create("probe0", kind: "netkit") }
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

  /// Runs something in a network namespace of its own; answers what was refused.
  private static func inside(_ body: @escaping @Sendable () throws(XSKError) -> Void) -> XSKError? {
    let outcome = Result<XSKError?, XSKError> { () throws(XSKError) in
      try SystemThread.run("xsk-tiers") {
        let code = cxsk_unshare_network()
        guard code == 0 else {
          return XSKError(
            "network namespace", refused: "none can be made to try it in", code: code,
            remedy: "run as root (CAP_SYS_ADMIN)")
        }
        do throws(XSKError) { try body() } catch { return error }
        return nil
      }
    }
    switch outcome {
    case .success(let refusal): return refusal
    case .failure(let error): return error
    }
  }
}
