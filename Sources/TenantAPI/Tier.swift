/// A way in which a container can have an interface for AF_XDP.
public enum Tier: String, Codable, CaseIterable, Sendable {
  /// A veth pair, copy mode: what attachments are made of.
  case veth
  /// A queue of a physical device, for the container alone; zero-copy where the driver has it.
  case physicalQueue = "physical-queue"
  /// A queue of a physical device, leased to a netkit device in the container (Linux 7.1).
  case queueLease = "queue-lease"

  /// Those that can be asked for.
  public static let offered: [Tier] = [.veth, .physicalQueue]
}

/// What devices are called.
public enum DeviceNames {
  /// Whether a text means a device: by its name, or its PCI address, whose digits may be written large.
  public static func mean(_ text: String, device: String, pciID: String?) -> Bool {
    device == text || pciID?.lowercased() == text.lowercased()
  }
}
