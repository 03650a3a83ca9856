@testable import XSKEngine

extension HostFacts {
  /// A machine that has everything.
  static let ideal = HostFacts(
    kernelRelease: "6.18.3", headersVersion: "6.1.192", libbpfVersion: "1.1.2", libxdpVersion: "1.3.0",
    socket: Socket(), capabilities: Set(Capability.allCases), lockedMemoryLimit: 8 << 20,
    hugePages2M: HugePages(total: 64, free: 64), hugePages1G: HugePages(total: 0, free: 0), hasBPFFileSystem: true,
    bpfJIT: 1, loadCode: 0, mapCode: 0, usableCPUs: [0, 1, 2, 3], isolatedCPUs: [2, 3], nodes: [0: [0, 1, 2, 3]],
    executable: "/usr/bin/xskfwd")
}

extension NetworkDevice {
  /// A NIC that has everything.
  static let ideal = NetworkDevice(
    name: "eth0", index: 2, mtu: 1500, hardwareAddress: [2, 0, 0, 0, 0, 1], isUp: true, isRunning: true, driver: "ice",
    busAddress: "0000:01:00.0", queues: Queues(receive: 4, transmit: 4, combined: 4, maximumReceive: 8),
    rings: Rings(receive: 2048, transmit: 256), numaNode: 0, offloads: Offloads([:]),
    xdp: XDPCapabilities(
      features: [.basic, .redirect, .redirectTarget, .zeroCopy, .receiveFragments], zeroCopySegments: 8,
      receiveMetadata: [.hash, .vlanTag]),
    program: nil, boundQueues: [], peer: nil)

  /// One end of a veth pair, whose offloads are off and whose other end is in the namespace "blue".
  static let veth: NetworkDevice = {
    var device = ideal
    device.name = "veth0"
    device.driver = "veth"
    device.busAddress = nil
    device.queues = Queues(receive: 1, transmit: 1)
    device.rings = nil
    device.xdp = XDPCapabilities(features: [.basic, .redirect, .receiveFragments])
    device.peer = VethPeer(
      index: 3, name: "veth1", namespacePath: "/run/netns/blue", isInOtherNamespace: true, mtu: 1500, receiveQueues: 1,
      transmitQueues: 1, offloads: Offloads([:]))
    return device
  }()
}
