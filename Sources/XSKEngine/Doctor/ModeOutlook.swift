/// The best mode that a device can be used in, as far as it can be told without attaching anything: attaching may flap a
/// NIC's link.
struct ModeOutlook: Hashable {
  /// nil: the kernel can't tell before a program is attached.
  var mode: BindMode?
  /// Why it is not zero-copy, and what could be done.
  var reason: String?
  var remedy: String?

  /// The largest MTU of a driver that has no native XDP for packets of several buffers: a page without XDP's 256 bytes of
  /// headroom, the skb_shared_info at its end (320), and the Ethernet header.
  static let largestSingleBufferMTU = 4096 - 256 - 320 - 14

  init(_ device: NetworkDevice, _ requirements: Requirements) {
    guard let xdp = device.xdp else {
      reason = "kernels before 6.3 cannot tell; zero-copy, copy and generic are tried in this order"
      return
    }
    if let obstacle = Self.obstacleToNative(device, xdp) {
      (mode, reason, remedy) = (.generic, obstacle.reason, obstacle.remedy)
    } else if let obstacle = Self.obstacleToZeroCopy(device, xdp, requirements) {
      (mode, reason, remedy) = (.copy, obstacle.reason, obstacle.remedy)
    } else {
      mode = .zerocopy
    }
  }

  private typealias Obstacle = (reason: String, remedy: String?)

  private static func obstacleToNative(_ device: NetworkDevice, _ xdp: XDPCapabilities) -> Obstacle? {
    // veth_xdp_set() refuses a program then; the driver also takes its features back.
    if let peer = device.peer, let transmit = peer.transmitQueues, transmit > device.queues.receive {
      return (
        "\(device.name) has fewer RX queues (\(device.queues.receive)) than its peer has TX queues (\(transmit))",
        "\(peer.commandPrefix)ethtool -L \(peer.name ?? "PEER") tx \(device.queues.receive)"
      )
    }
    guard xdp.features.isSuperset(of: [.basic, .redirect]) else {
      return ("driver \(device.driver.isEmpty ? "of \(device.name)" : device.driver) has no native XDP", nil)
    }
    let mtu = max(device.mtu, device.peer?.mtu ?? 0)
    if mtu > largestSingleBufferMTU && !xdp.features.contains(.receiveFragments) {
      return (
        "MTU \(mtu) needs several buffers a packet, which driver \(device.driver) has no native XDP for",
        "ip link set dev \(device.name) mtu \(largestSingleBufferMTU)"
      )
    }
    return nil
  }

  private static func obstacleToZeroCopy(
    _ device: NetworkDevice, _ xdp: XDPCapabilities, _ requirements: Requirements
  ) -> Obstacle? {
    guard xdp.features.contains(.zeroCopy) else { return ("driver \(device.driver) has no zero-copy", nil) }
    // Ethernet header and one VLAN tag.
    let frame = device.mtu + 18
    let segments = (frame + requirements.largestFrame - 1) / requirements.largestFrame
    guard segments <= max(1, xdp.zeroCopySegments) else {
      return (
        "MTU \(device.mtu) takes \(segments) frames a packet, and zero-copy of driver \(device.driver) has "
          + "\(max(1, xdp.zeroCopySegments))",
        "ip link set dev \(device.name) mtu \(requirements.largestFrame * max(1, xdp.zeroCopySegments) - 18)"
      )
    }
    return nil
  }
}
