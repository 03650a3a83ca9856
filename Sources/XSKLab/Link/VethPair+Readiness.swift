import Foundation
import XSKEngine

extension VethPair {
  /// Waits until what is sent now arrives: "up" is only the beginning.
  ///
  /// The kernel gives a device its transmit queue a moment after the carrier came, and joins the multicast groups in
  /// which IPv6 neighbours look for each other later still; what is sent before is lost, or delayed by a second.
  func awaitReadiness() throws(XSKError) {
    let deadline = ContinuousClock.now + .seconds(5)
    for end in [left, right] {
      while let missing = try end.missing() {
        guard ContinuousClock.now < deadline else {
          throw XSKError(end.name, "has no \(missing)", remedy: "check what else manages the device")
        }
        usleep(1000)
      }
    }
  }
}

extension VethEnd {
  /// What the end still lacks to be of use; nil: nothing.
  fileprivate func missing() throws(XSKError) -> String? {
    guard try link().isRunning else { return "carrier" }
    let groups = try addresses.filter { $0.contains(":") }.map(Self.neighbourGroup)
    guard !groups.isEmpty else { return nil }
    let joined = try namespace.onThread { () throws(XSKError) in Self.joinedGroups(name) }
    return groups.first { !joined.contains($0) }.map { "membership of IPv6 group \($0)" }
  }

  /// The solicited-node group of an address (RFC 4291, 2.7.1), in 32 hexadecimal digits.
  private static func neighbourGroup(_ address: String) throws(XSKError) -> String {
    let last = try IPBytes.withPrefix(address).address.bytes.suffix(3)
    return "ff0200000000000000000001ff" + last.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The groups that a device of the calling thread's namespace is in: lines of index, device, group, and counts.
  private static func joinedGroups(_ device: String) -> Set<String> {
    // Not /proc/net: that is the namespace of the process's first thread.
    guard let text = try? String(contentsOfFile: "/proc/thread-self/net/igmp6", encoding: .utf8) else { return [] }
    let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
    return Set(lines.filter { $0.count > 2 && $0[1] == device }.map { String($0[2]) })
  }
}
