/// Names that stand in paths, command lines, counters and devices: what they may be made of.
public enum TenantNames {
  /// CNI's character set for a container's id, and at most 128 of them: it becomes a directory's name.
  public static func isID(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.first.map(isAlphanumeric) == true
      && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
  }

  /// A network device's name, as the kernel takes it (dev_valid_name).
  public static func isDevice(_ text: String) -> Bool {
    (1...15).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }

  /// The name of a policy: as rules and limiters have names.
  public static func isWord(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
  }

  /// A text for people: one line, without control characters.
  public static func isLine(_ text: String, atMost limit: Int) -> Bool {
    (1...limit).contains(text.utf8.count)
      && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
  }

  /// The name of the host's end of an attachment's veth: `xskt` and 11 digits of a hash of the id (FNV-1a, folded to 44
  /// bits). Two ids that meet in a name are refused (`NodeState.problems`).
  public static func hostDevice(of id: String) -> String {
    let hash = id.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String((hash >> 44 ^ hash) & (1 << 44 - 1), radix: 16)
    return "xskt" + String(repeating: "0", count: 11 - digits.utf8.count) + digits
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
}
