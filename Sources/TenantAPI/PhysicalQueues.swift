/// Queues of a physical device, which a tenant of tier `physical-queue` has in place of an interface of its own.
public struct PhysicalQueues: Codable, Hashable, Sendable {
  /// The device, in the node's network namespace.
  public var device: String
  /// Numbers of its queues; the tenant's queue 0 is the first of them.
  public var queues: [Int]
  /// Its PCI address, `0000:3b:00.1`; nil: it is on no such bus.
  public var pciID: String?

  public init(device: String, queues: [Int], pciID: String? = nil) {
    self.device = device
    self.queues = queues
    self.pciID = pciID
  }
}

/// A device whose queues tenants can have, as it is now: an element of `queues` in the answer to `GET /v1/status`.
public struct QueuePoolStatus: Codable, Hashable, Sendable {
  public struct Queue: Codable, Hashable, Sendable {
    public enum State: String, Codable, Sendable {
      case free
      /// A tenant has it.
      case used
      /// No tenant has it, but a socket is bound to it: of a process that outlives its attachment, or somebody else's.
      case held
      /// A socket is bound to it, and whose is not known: nobody was asked who knows the tenants.
      case bound
      /// The device has no such queue.
      case missing
    }

    public var queue: Int
    public var state: State
    /// The tenant's id; also of one that is missing.
    public var tenant: String?
    /// The tenant's process holds a socket whose device has gone, and got no other since; nil: it doesn't.
    public var isLost: Bool?

    enum CodingKeys: String, CodingKey {
      case queue, state, tenant
      case isLost = "lost"
    }

    public init(queue: Int, state: State, tenant: String? = nil, isLost: Bool? = nil) {
      self.queue = queue
      self.state = state
      self.tenant = tenant
      self.isLost = isLost
    }

    /// What keeps packets of a tenant's queue from the tenant; nil: nothing that is known here.
    public var trouble: String? {
      guard tenant != nil else { return nil }
      if state == .missing { return "gone" }
      return isLost == true ? "socket lost, to be asked for again by its process" : nil
    }
  }

  public var name: String
  public var device: String
  public var pciID: String?
  /// What is in the way of giving its queues to anybody; nil: nothing.
  public var problem: String?
  /// Where the XDP program runs, `native` or `generic`; nil: it isn't on the device.
  public var mode: String?
  /// Its driver has zero-copy; nil: the kernel does not tell, or the device isn't there.
  public var hasZeroCopy: Bool?
  public var queues: [Queue]

  enum CodingKeys: String, CodingKey {
    case name, device, pciID, problem, mode, queues
    case hasZeroCopy = "zeroCopy"
  }

  public init(
    name: String, device: String, pciID: String? = nil, problem: String? = nil, mode: String? = nil,
    hasZeroCopy: Bool? = nil, queues: [Queue]
  ) {
    (self.name, self.device, self.pciID, self.problem) = (name, device, pciID, problem)
    (self.mode, self.hasZeroCopy, self.queues) = (mode, hasZeroCopy, queues)
  }

  /// Queues that could be given away now.
  public var free: Int { problem == nil ? queues.count { $0.state == .free } : 0 }

  /// `queues 2, 3 of web-net1: gone`, and the like: what tenants have, and have not.
  public var troubles: [String] {
    let groups = Dictionary(grouping: queues.filter { $0.trouble != nil }) { [$0.tenant ?? "", $0.trouble ?? ""] }
    return groups.sorted { ($0.value[0].queue, $0.key[0]) < ($1.value[0].queue, $1.key[0]) }.map { key, queues in
      let numbers = queues.map { "\($0.queue)" }.joined(separator: ", ")
      return "queue\(queues.count == 1 ? "" : "s") \(numbers) of \(key[0]): \(key[1])"
    }
  }

  /// Whether it is what somebody calls it: by its device's name, its PCI address, or its own name.
  public func isCalled(_ text: String) -> Bool {
    name == text || DeviceNames.mean(text, device: device, pciID: pciID)
  }
}

extension AttachRequest {
  /// Keys of what is asked for that would be a policy's to see to: packets of a physical queue pass none.
  public var askedOfPolicies: [String] {
    [("policy", policy != nil), ("bandwidth", bandwidth != nil), ("vlan", vlan != nil)].filter(\.1).map(\.0)
  }

  /// Keys of what is asked for that a physical device has itself, for all who have queues of it.
  public var askedOfDevice: [String] { [("mtu", mtu != nil), ("mac", mac != nil)].filter(\.1).map(\.0) }
}
