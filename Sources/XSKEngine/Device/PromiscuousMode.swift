import CXsk
import Glibc

/// Has a device pass packets to any MAC address on, for as long as this object lives. The kernel counts who wants that, and
/// forgets a process that has died (packet(7), PACKET_MR_PROMISC); what `ip link set promisc` says is left alone.
final class PromiscuousMode: Sendable {
  private let socket: CInt

  /// In the device's namespace. Needs CAP_NET_RAW.
  ///
  /// - Throws: the kernel's refusal.
  init(of device: NetworkDevice) throws(XSKError) {
    socket = cxsk_hold_promiscuous(device.index)
    guard socket >= 0 else {
      throw XSKError(
        "\(device.name) promiscuous mode", refused: "cannot be switched on", code: socket,
        remedy: "grant CAP_NET_RAW, or do it by hand: ip link set dev \(device.name) promisc on")
    }
  }

  deinit { close(socket) }
}
