import CXsk
import Glibc
import XSKEngine

/// Settings of a device of the calling thread's network namespace.
enum KernelSetting {
  /// Writes `/proc/sys/net/FAMILY/conf/DEVICE/NAME`.
  static func set(_ family: String, _ device: String, _ settings: KeyValuePairs<String, Int>) throws(XSKError) {
    for (name, value) in settings {
      let path = "/proc/sys/net/\(family)/conf/\(device)/\(name)"
      let code = write(path, "\(value)")
      // A kernel without IPv6 has no such file, and nothing to be kept from.
      guard code == 0 || (code == ENOENT && family == "ipv6" && value == 1) else {
        throw XSKError(path, refused: "can't be written", code: code, remedy: "run xskd where /proc/sys is writable")
      }
    }
  }

  static func read(_ family: String, _ device: String, _ name: String) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 32)
    // Safe: the path is a C string for the call.
    let file = unsafe open("/proc/sys/net/\(family)/conf/\(device)/\(name)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    // Safe: at most the array's size is written into the array.
    let count = unsafe Glibc.read(file, &bytes, bytes.count)
    return Int(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).prefix { $0 != "\n" })
  }

  /// Has the stack send frames as they are on a wire: with finished checksums, one segment each, tags in them. An AF_XDP
  /// socket at the other end of a veth gets nothing else to see.
  static func turnOffloadsOff(_ device: String) throws(XSKError) {
    // Segmentation depends on checksums, hence the order. Flags 0 turns VLAN insertion off.
    // ETHTOOL_STSO, _SGSO, _STXCSUM, _SFLAGS (linux/ethtool.h), which aren't imported.
    for command: UInt32 in [0x1f, 0x24, 0x17, 0x26] {
      var request: [UInt32] = [command, 0]
      // Safe: struct ethtool_value is two numbers of 32 bits.
      let code = unsafe cxsk_ethtool(device, &request)
      guard code >= 0 else {
        throw XSKError(
          device, refused: "does not turn its offloads off", code: code, remedy: "run xskd as root (CAP_NET_ADMIN)")
      }
    }
  }

  private static func write(_ path: String, _ value: String) -> CInt {
    // Safe: the path is a C string for the call.
    let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return errno }
    defer { close(file) }
    // Safe: write() reads exactly the text's bytes.
    return unsafe Glibc.write(file, value, value.utf8.count) < 0 ? errno : 0
  }
}
