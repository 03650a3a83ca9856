import TenantAPI
import XSKEngine

/// A way in which a container can have an interface for AF_XDP, and whether this node has it.
public struct TierReport: Codable, Hashable, Sendable {
  public typealias Tier = TenantAPI.Tier

  /// What one device can do.
  public struct Device: Codable, Hashable, Sendable {
    public var device: String
    /// Containers can have queues of it, here and now, as far as some are free.
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

  /// Of tier `physical-queue`.
  init(_ pools: [QueuePoolStatus], _ order: Result<HandoverOrder, XSKError>) {
    if let refusal = HandoverOrder.refusal(ofBound: "", order) {
      self.init(.physicalQueue, isAvailable: false, refusal.problem)
      return
    }
    let good = pools.count { $0.problem == nil }
    let (free, count) = (pools.reduce(0) { $0 + $1.free }, pools.reduce(0) { $0 + $1.queues.count })
    self.init(
      .physicalQueue, isAvailable: good > 0,
      pools.isEmpty
        ? "the configuration names no device for it (queues)"
        : good == 0
          ? "no device of the configuration is ready"
          : "\(free) of \(count) queues free; steering is the operator's (ethtool -N), and so is what stops a container from "
            + "sending with others' addresses",
      devices: pools.isEmpty ? nil : pools.map { Device($0) })
  }

  /// A line for people, and one for each device.
  public var text: String {
    let head = "\(tier.rawValue): \(isAvailable ? "available" : "not available"): \(detail)"
    return ([head] + (devices ?? []).map { "  \($0.device): \($0.isCapable ? "can" : "can't"): \($0.detail)" })
      .joined(separator: "\n")
  }
}

extension TierReport.Device {
  init(_ pool: QueuePoolStatus) {
    device = pool.device
    isCapable = pool.problem == nil
    let problem = pool.problem.map {
      $0.hasPrefix("\(pool.device): ") ? String($0.dropFirst(pool.device.utf8.count + 2)) : $0
    }
    let mode =
      switch (pool.mode, pool.hasZeroCopy) {
      case ("generic", _): "copy mode, its driver has no XDP"
      case (_, true?): "zero-copy"
      case (_, false?): "copy mode, its driver has no zero-copy"
      case (_, nil): "zero-copy if its driver has it, which this kernel does not tell"
      }
    detail =
      ([problem, "pool \(pool.name)", Self.queues(pool)] + [problem == nil ? mode : nil]
      + pool.troubles)
      .compactMap { $0 }.joined(separator: "; ")
  }

  /// `queues 2 to 5: 3 free, 1 used`
  private static func queues(_ pool: QueuePoolStatus) -> String? {
    guard !pool.queues.isEmpty else { return nil }
    let numbers = pool.queues.map { "\($0.queue)" }.joined(separator: ", ")
    let counts = [QueuePoolStatus.Queue.State.free, .used, .held, .bound, .missing].compactMap { state in
      let count = pool.queues.count { $0.state == state }
      return count > 0 ? "\(count) \(state.rawValue)" : nil
    }
    return "queue\(pool.queues.count == 1 ? "" : "s") \(numbers): \(counts.joined(separator: ", "))"
  }
}
