import CXsk
import Glibc
import Synchronization

/// A TAP device (Documentation/networking/tuntap.rst): an Ethernet device of the kernel's stack whose other end is this
/// process. Its frames have virtio-net headers, so that either side may hand over 64 KiB at once, checksums unfinished.
///
///     let tap = try TapDevice("tap0", address: eth0.hardwareAddress, mtu: eth0.mtu)
///     var queue = try tap.queue(0)
///
/// It exists until `close()`, or until the process ends in whatever way. Needs CAP_NET_ADMIN.
public final class TapDevice: Sendable {
  public let name: String
  /// The forms that both sides may use.
  public let offloads: TapOffloads
  /// Lines for the operator: what this kernel refuses.
  public let notes: [String]
  /// Descriptors of the queues; nil after `close()`.
  private let queues: Mutex<[CInt]?>
  private let gone = Atomic<Bool>(false)

  /// Bytes of the virtio-net header before each frame (struct virtio_net_hdr).
  public static let headerSize = 10

  /// Makes the device in the calling thread's network namespace, and sets it up.
  ///
  /// - Parameters:
  ///   - name: 1 to 15 bytes, of no device that exists.
  ///   - address: its MAC address, 6 bytes.
  ///   - mtu: bytes of an IP packet, 68…65,521.
  ///   - wanted: what to ask the kernel for.
  /// - Throws: a name that can't be one or is taken, a missing /dev/net/tun or privilege. Nothing is left behind.
  public init(
    _ name: String, address: [UInt8], mtu: Int, offloads wanted: TapOffloads = .all
  ) throws(XSKError) {
    try Self.validate(name)
    // is_valid_ether_addr: six bytes, not all zero, no group's.
    guard address.count == 6, address[0] & 1 == 0, address.contains(where: { $0 != 0 }) else {
      throw XSKError(
        "TAP device \(name)", "can't have the MAC address of an interface that has none",
        remedy: "use an Ethernet interface")
    }
    let descriptor = try Self.open()
    let made: (accepted: TapOffloads, notes: [String])
    do throws(XSKError) {
      try Self.attach(descriptor, name, isFirst: true)
      made = try Self.configure(descriptor, name, address, mtu, wanted)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    self.name = name
    offloads = made.accepted
    notes = made.notes
    queues = Mutex([descriptor])
  }

  /// Of descriptors that behave like a TAP device's queues: for tests, which have the other ends.
  init(name: String, descriptors: [CInt], offloads: TapOffloads) {
    self.name = name
    self.offloads = offloads
    notes = []
    queues = Mutex(descriptors)
  }

  deinit { close() }

  /// Removes the device. The workers that had its queues have ended before.
  public func close() {
    let open = queues.withLock { queues in
      defer { queues = nil }
      return queues ?? []
    }
    for descriptor in open { Glibc.close(descriptor) }
  }

  /// A queue of the device, for one worker. The kernel spreads what the stack sends over the queues, by flow.
  ///
  /// - Parameter number: 0, 1, …; queues are added up to it.
  /// - Throws: if the kernel gives no more queues (it has 256 at most).
  public func queue(_ number: Int) throws(XSKError) -> TapQueue {
    let descriptor = try queues.withLock { (queues) throws(XSKError) in
      guard var open = queues else {
        throw XSKError("TAP device \(name)", "closed already", remedy: "keep it open while workers run")
      }
      while open.count <= number {
        let descriptor = try Self.open()
        do throws(XSKError) {
          try Self.attach(descriptor, name, isFirst: false)
        } catch {
          Glibc.close(descriptor)
          throw error
        }
        open.append(descriptor)
        queues = open
      }
      return open[number]
    }
    return TapQueue(self, descriptor)
  }

  /// Somebody else removed the device: nothing goes through it any more.
  public var isGone: Bool { gone.load(ordering: .relaxed) }

  func noteGone() { gone.store(true, ordering: .relaxed) }
}

extension TapDevice {
  /// The kernel's rules (dev_valid_name), and no `%`, which would have it choose a number.
  static func validate(_ name: String) throws(XSKError) {
    let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/:%".utf8.contains($0) }
    guard isPlain, name != ".", name != "..", !name.isEmpty else {
      throw XSKError(
        "TAP device \"\(name)\"", "not a name for an interface",
        remedy: "use letters, digits, - and _, as in tap0")
    }
    // Their directories under /proc/sys/net/ipv4/conf are taken (net/ipv4/devinet.c).
    guard name != "all", name != "default" else {
      throw XSKError(
        "TAP device \(name)", "the kernel keeps this name for the settings of every interface",
        remedy: "choose another name, as tap0")
    }
    // IFNAMSIZ: 16 bytes with the terminating zero.
    guard name.utf8.count <= 15 else {
      throw XSKError(
        "TAP device \(name)", "its name has \(name.utf8.count) characters, and an interface's has 15 at most",
        remedy: "choose a shorter one, as tap0")
    }
  }

  private static func open() throws(XSKError) -> CInt {
    let descriptor = cxsk_tap_open()
    guard descriptor < 0 else { return descriptor }
    let remedy =
      switch -descriptor {
      case ENOENT, ENODEV, ENXIO: "load the driver: modprobe tun; in a container, have it given this device"
      case EACCES, EPERM: "run as root; in a container, have it given this device"
      default: "close other programs that use TAP devices"
      }
    throw XSKError("/dev/net/tun", refused: "cannot be opened", code: descriptor, remedy: remedy)
  }

  private static func attach(_ descriptor: CInt, _ name: String, isFirst: Bool) throws(XSKError) {
    let code = unsafe cxsk_tap_attach(descriptor, name, isFirst ? 1 : 0)
    guard code != 0 else { return }
    if code == -EBUSY && isFirst {
      throw XSKError(
        "TAP device \(name)", "there is an interface of that name already",
        remedy: "choose another name", code: EBUSY)
    }
    throw XSKError(
      "TAP device \(name)", refused: isFirst ? "cannot be made" : "gives no further queue", code: code,
      remedy: code == -EPERM ? "run as root, or grant CAP_NET_ADMIN" : "use fewer workers (--cores)")
  }

  private static func configure(
    _ descriptor: CInt, _ name: String, _ address: [UInt8], _ mtu: Int, _ wanted: TapOffloads
  ) throws(XSKError) -> (accepted: TapOffloads, notes: [String]) {
    try check(name, "has no virtio-net headers", cxsk_tap_set_header(descriptor, CInt(headerSize)))
    let made = TapOffloads.probe(wanted, device: name) { cxsk_tap_set_offloads(descriptor, $0.rawValue) }
    // The array has the six bytes that are read: checked before.
    try check(name, "refuses its MAC address", unsafe cxsk_link_set_address(name, address))
    try check(name, "refuses an MTU of \(mtu)", unsafe cxsk_link_set_mtu(name, CInt(clamping: mtu)))
    try check(name, "cannot be set up", unsafe cxsk_link_set_up(name))
    return made
  }

  private static func check(_ name: String, _ problem: String, _ code: CInt) throws(XSKError) {
    guard code != 0 else { return }
    throw XSKError(
      "TAP device \(name)", refused: problem, code: code,
      remedy: code == -EPERM ? "run as root, or grant CAP_NET_ADMIN" : "check the interface that it stands for")
  }
}
