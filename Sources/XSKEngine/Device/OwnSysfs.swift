import CXsk
import Glibc

/// sysfs as the calling thread's network namespace sees it.
enum OwnSysfs {
  /// Opens a device's directory; the caller closes it.
  ///
  /// A sysfs mounted nowhere shows the thread's own namespace. Without the privilege for that, /sys is used if the device
  /// that it shows under this name has the right index and address: the names and indices of another namespace may well be
  /// the same, its addresses hardly, except for loopback's.
  static func openDirectory(of device: NetworkDevice) throws(XSKError) -> CInt {
    let own = cxsk_open_own_sysfs()
    if own >= 0 {
      defer { close(own) }
      let directory = unsafe openat(own, "class/net/\(device.name)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard directory < 0 else { return directory }
      throw XSKError(device.name, refused: "not in sysfs", code: errno, remedy: "see: ip link show \(device.name)")
    }
    let path = "/sys/class/net/\(device.name)"
    let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0, SmallFile.integer("\(path)/ifindex") == Int(device.index),
      SmallFile.read("\(path)/address") == device.hardwareAddressText,
      device.hardwareAddress.contains(where: { $0 != 0 })
    else {
      if directory >= 0 { close(directory) }
      throw XSKError(
        device.name, refused: "/sys shows another network namespace, and a sysfs of this one cannot be mounted",
        code: own, remedy: "run as root, or: ip netns exec NAMESPACE COMMAND, which mounts the right one")
    }
    return directory
  }
}
