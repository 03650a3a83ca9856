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
    /// The tenant's id.
    public var tenant: String?

    public init(queue: Int, state: State, tenant: String? = nil) {
      self.queue = queue
      self.state = state
      self.tenant = tenant
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
