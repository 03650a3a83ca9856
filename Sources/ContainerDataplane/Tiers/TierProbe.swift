import CXsk
import Glibc
import Rtnetlink
import XSKEngine

/// Finds out by trying, or by asking the kernel, which tiers this node has. What is made for it is made in a network namespace
/// that goes with the probe. Some tens of milliseconds; needs CAP_SYS_ADMIN.
public struct TierProbe: Sendable {
  /// Physical devices whose queues containers could have: the uplinks.
  private let devices: [String]

  public init(devices: [String]) { self.devices = devices }

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

  private var physicalQueue: TierReport {
    TierReport(
      .physicalQueue, isAvailable: false,
      devices.isEmpty
        ? "this xskd gives containers no physical queues; it has no uplinks to look at either"
        : "this xskd gives containers no physical queues, whatever a device can do",
      devices: devices.map(Self.judge))
  }

  /// Whether a device could give one of its queues away. Nothing is attached: that may flap its link.
  private static func judge(_ name: String) -> TierReport.Device {
    let device: NetworkDevice
    do throws(XSKError) { device = try NetworkDevice(named: name) } catch {
      return TierReport.Device(device: name, isCapable: false, detail: error.problem)
    }
    let obstacles = obstacles(device)
    return TierReport.Device(
      device: name, isCapable: obstacles.isEmpty,
      detail: obstacles.isEmpty
        ? "driver \(device.driver), zero-copy, \(device.queues.receive) queues; steering is its operator's (ethtool -N), and so is "
          + "what stops a container from sending with others' addresses"
        : obstacles.joined(separator: "; "))
  }

  static func obstacles(_ device: NetworkDevice) -> [String] {
    var obstacles: [String] = []
    if device.queues.receive < 2 {
      let more = device.queues.maximumReceive > 1 ? " (ethtool -L: up to \(device.queues.maximumReceive))" : ""
      obstacles.append("it has one queue\(more), which the node needs")
    }
    let driver = device.driver.isEmpty ? "" : " \(device.driver)"
    switch device.xdp?.features.contains(.zeroCopy) {
    case true?: break
    case false?: obstacles.append("its driver\(driver) has no zero-copy")
    case nil: obstacles.append("this kernel does not tell whether its driver\(driver) has zero-copy (before 6.3)")
    }
    return obstacles
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
