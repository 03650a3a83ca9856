/// A network device of the calling thread's network namespace, as it was when it was looked up.
///
/// Everything comes from netlink and ioctl(2), which answer for the thread's own namespace; sysfs shows the namespace of
/// whoever mounted it.
///
///     let device = try NetworkDevice(named: "eth0")
///     print(device.driver, device.queues.receive, device.xdp?.features.names ?? [])
public struct NetworkDevice: Hashable, Sendable {
  public struct Queues: Hashable, Sendable {
    /// Queues in use; a combined channel counts as one of each. At least 1.
    public internal(set) var receive: Int
    public internal(set) var transmit: Int
    /// How many of them are combined channels.
    public internal(set) var combined: Int
    /// The most that `ethtool -L` can set.
    public internal(set) var maximumReceive: Int
    public internal(set) var maximumTransmit: Int

    init(receive: Int, transmit: Int, combined: Int = 0, maximumReceive: Int? = nil, maximumTransmit: Int? = nil) {
      self.receive = receive
      self.transmit = transmit
      self.combined = combined
      self.maximumReceive = maximumReceive ?? receive
      self.maximumTransmit = maximumTransmit ?? transmit
    }
  }

  /// Descriptors in each of the driver's own rings.
  public struct Rings: Hashable, Sendable {
    public internal(set) var receive: Int
    public internal(set) var transmit: Int
  }

  public internal(set) var name: String
  /// Unique within one namespace only.
  public internal(set) var index: CInt
  /// Bytes of an IP packet: a frame is 14 longer, 18 with a VLAN tag.
  public internal(set) var mtu: Int
  /// The MAC address: 6 bytes for Ethernet, none for devices without.
  public internal(set) var hardwareAddress: [UInt8]
  /// Switched on (IFF_UP).
  public internal(set) var isUp: Bool
  /// Switched on, and there is carrier (IFF_RUNNING).
  public internal(set) var isRunning: Bool
  /// The driver's name ("veth", "ice"); "" if the driver does not tell.
  public internal(set) var driver: String
  /// Its PCI address ("0000:01:00.0"); nil for devices on no bus.
  public internal(set) var busAddress: String?
  public internal(set) var queues: Queues
  /// nil if the driver has none to set.
  public internal(set) var rings: Rings?
  /// The NUMA node that it is connected to; −1 unknown, or the same for all.
  public internal(set) var numaNode: Int
  public internal(set) var offloads: Offloads
  /// nil on kernels that can't tell (before 6.3).
  public internal(set) var xdp: XDPCapabilities?
  /// The XDP program that is on it now.
  public internal(set) var program: AttachedProgram?
  /// RX queues that AF_XDP sockets are bound to; nil while the device is down, and on kernels of which it isn't sure that they
  /// tell (before 6.16).
  public internal(set) var boundQueues: Set<Int>?
  /// Only for a veth.
  public internal(set) var peer: VethPeer?

  /// What a port without a device has.
  static let none = NetworkDevice(
    name: "", index: 0, mtu: 1500, hardwareAddress: [], isUp: false, isRunning: false, driver: "", busAddress: nil,
    queues: Queues(receive: 1, transmit: 1), rings: nil, numaNode: -1, offloads: Offloads([:]), xdp: nil,
    program: nil, boundQueues: nil, peer: nil)

  /// A device of another network namespace, of which no more is known than somebody there tells. It has no index here.
  ///
  /// - Parameter queues: how many of its queues matter.
  static func elsewhere(_ name: String, mtu: Int, address: String, queues: Int) -> NetworkDevice {
    var device = none
    (device.name, device.mtu) = (name, mtu)
    device.hardwareAddress = address.split(separator: ":").compactMap { UInt8($0, radix: 16) }
    (device.isUp, device.isRunning) = (true, true)
    device.queues = Queues(receive: max(1, queues), transmit: max(1, queues))
    return device
  }

  /// Whether the kernel can be asked about it here.
  var isHere: Bool { index != 0 }

  /// The MAC address as it is written: "02:00:00:00:00:01".
  public var hardwareAddressText: String {
    hardwareAddress.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
