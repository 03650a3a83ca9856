/// What xskd says of an attachment: the answer to `PUT /v1/tenants/ID`, and an element of `GET /v1/tenants`. There is more
/// in it; this is what clients need.
public struct AttachedTenant: Codable, Hashable, Sendable {
  public var id: String
  public var name: String
  public var network: String?
  public var namespace: String
  public var device: String
  public var hostDevice: String
  public var mac: String
  public var hostMAC: String
  public var addresses: [String]
  public var mtu: Int
  public var vlan: Int?
  /// Empty where the dataplane has none of its packets.
  public var policy: String
  /// What it has of a physical device, which `hostDevice` is then; nil: an interface of its own.
  public var physicalQueues: PhysicalQueues?
  /// Where a program in the container gets its AF_XDP socket, on the host's side of the mount.
  public var socketPath: String

  public init(
    id: String, name: String, network: String?, namespace: String, device: String, hostDevice: String, mac: String,
    hostMAC: String, addresses: [String], mtu: Int, vlan: Int?, policy: String, socketPath: String
  ) {
    self.id = id
    self.name = name
    self.network = network
    self.namespace = namespace
    self.device = device
    self.hostDevice = hostDevice
    self.mac = mac
    self.hostMAC = hostMAC
    self.addresses = addresses
    self.mtu = mtu
    self.vlan = vlan
    self.policy = policy
    self.socketPath = socketPath
  }
}

/// `GET /v1/tenants`.
public struct TenantList: Codable, Hashable, Sendable {
  public var tenants: [AttachedTenant]

  public init(tenants: [AttachedTenant]) { self.tenants = tenants }
}

/// `GET /v1/tenants/ID/check`: what is not as it was made; empty if all is well.
public struct TenantCheck: Codable, Hashable, Sendable {
  public var problems: [String]

  public init(problems: [String]) { self.problems = problems }
}

/// `GET /v1/status`: whether there is room for another tenant, and whether packets flow. There is more in it.
public struct NodeAvailability: Codable, Hashable, Sendable {
  public struct Slots: Codable, Hashable, Sendable {
    public var used: Int
    public var capacity: Int

    public init(used: Int, capacity: Int) {
      self.used = used
      self.capacity = capacity
    }
  }

  public struct Dataplane: Codable, Hashable, Sendable {
    /// `running`, `starting`, or `stopped`.
    public var state: String

    public init(state: String) { self.state = state }
  }

  public var slots: Slots
  public var dataplane: Dataplane
  /// Devices whose queues containers can have; nil: an xskd that has no such thing.
  public var queues: [QueuePoolStatus]?

  public init(slots: Slots, dataplane: Dataplane, queues: [QueuePoolStatus]? = nil) {
    self.slots = slots
    self.dataplane = dataplane
    self.queues = queues
  }
}
