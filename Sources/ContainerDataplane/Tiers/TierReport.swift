/// A way in which a container can have an interface for AF_XDP, and whether this node has it.
public struct TierReport: Codable, Hashable, Sendable {
  public enum Tier: String, Codable, CaseIterable, Sendable {
    /// A veth pair, copy mode: what attachments are made of.
    case veth
    /// A queue of a physical device, bound for the container alone, zero-copy.
    case physicalQueue = "physical-queue"
    /// A queue of a physical device, leased to a netkit device in the container (Linux 7.1).
    case queueLease = "queue-lease"
  }

  /// What one device could do.
  public struct Device: Codable, Hashable, Sendable {
    public var device: String
    /// The device and its driver could; whether xskd does is the tier's `isAvailable`.
    public var isCapable: Bool
    public var detail: String

    enum CodingKeys: String, CodingKey {
      case device, detail
      case isCapable = "capable"
    }
  }

  public var tier: Tier
  /// A container can be given it, here and now.
  public var isAvailable: Bool
  /// What was found: a part of a sentence, without a full stop.
  public var detail: String
  public var devices: [Device]?

  enum CodingKeys: String, CodingKey {
    case tier, detail, devices
    case isAvailable = "available"
  }

  init(_ tier: Tier, isAvailable: Bool, _ detail: String, devices: [Device]? = nil) {
    (self.tier, self.isAvailable, self.detail, self.devices) = (tier, isAvailable, detail, devices)
  }

  /// A line for people, and one for each device.
  public var text: String {
    let head = "\(tier.rawValue): \(isAvailable ? "available" : "not available"): \(detail)"
    return ([head] + (devices ?? []).map { "  \($0.device): \($0.isCapable ? "could" : "can't"): \($0.detail)" })
      .joined(separator: "\n")
  }
}
