/// How an attachment is called everywhere: one container's one interface.
public enum AttachmentName {
  /// Bytes of a name at most; it becomes a directory's.
  public static let longest = 128

  /// The name of a container's interface: `CONTAINERID-IFNAME`.
  ///
  /// No two pairs have the same one: dots of the interface's name are doubled, and a dash in it becomes `._`, so that the
  /// last dash of a name is always the one between its halves.
  public static func of(container: String, interface: String) -> String {
    var name = container + "-"
    for character in interface {
      switch character {
      case ".": name += ".."
      case "-": name += "._"
      default: name.append(character)
      }
    }
    return name
  }

  /// CNI's character set for container ids and names of networks: letters, digits, `_`, `.`, `-`; a letter or digit first.
  public static func isWellFormed(_ text: String) -> Bool {
    guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
    return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d }
  }

  /// A name that the kernel takes for a device, of characters that names of attachments have.
  public static func isInterface(_ text: String) -> Bool {
    (1...15).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: false
    }
  }
}
