/// What is asked of xskd for a container's interface: the body of `PUT /v1/tenants/ID`.
public struct AttachRequest: Codable, Hashable, Sendable {
  /// For people: `NAMESPACE/POD`, or the container's name.
  public var name: String
  /// Path of the container's network namespace.
  public var namespace: String
  /// The interface's name in the container.
  public var device: String
  /// `veth`, or `physical-queue`; nil: `veth`.
  public var tier: String?
  /// The network that it belongs to; cleaning up one network leaves the others alone.
  public var network: String?
  /// Its MAC address; nil: xskd chooses.
  public var mac: String?
  /// `10.1.0.5/32`, `fd00::5/128`; in a VLAN, and with a physical queue, with the prefix length of its network.
  public var addresses: [String]
  /// Bytes of an IP packet at most; nil: 1500.
  public var mtu: Int?
  /// Bridges it into this VLAN of the uplink, 1…4094; nil: routed.
  public var vlan: Int?
  /// Where to, in a VLAN: routed tenants have one route, through their host.
  public var routes: [Route]?
  /// A policy of xskd's configuration; nil: `default`.
  public var policy: String?
  public var quota: Quota?
  public var bandwidth: Bandwidth?
  /// The control group of whoever may ask for the interface's sockets, below /sys/fs/cgroup.
  public var cgroup: String?
  /// The user who may ask for them; nil: anybody who is in the container.
  public var uid: UInt32?
  /// The uplink that is meant, by its device or PCI address; of `physical-queue` the device whose queues are wanted.
  public var deviceID: String?

  public init(name: String, namespace: String, device: String, addresses: [String]) {
    self.name = name
    self.namespace = namespace
    self.device = device
    self.addresses = addresses
  }

  public struct Route: Codable, Hashable, Sendable {
    /// `10.0.0.0/8`.
    public var destination: String
    public var gateway: String

    public init(destination: String, gateway: String) {
      self.destination = destination
      self.gateway = gateway
    }
  }

  /// What a tenant may take; nil: as xskd's configuration has it.
  public struct Quota: Codable, Hashable, Sendable {
    public var umemBytes: Int?
    public var frames: Int?
    public var sockets: Int?

    public init(umemBytes: Int? = nil, frames: Int? = nil, sockets: Int? = nil) {
      self.umemBytes = umemBytes
      self.frames = frames
      self.sockets = sockets
    }
  }

  /// As CNI's capability `bandwidth` has it: bits a second, and bits in a burst. `ingress` is towards the container.
  public struct Bandwidth: Codable, Hashable, Sendable {
    public var ingressRate: UInt64?
    public var ingressBurst: UInt64?
    public var egressRate: UInt64?
    public var egressBurst: UInt64?

    public init(
      ingressRate: UInt64? = nil, ingressBurst: UInt64? = nil, egressRate: UInt64? = nil, egressBurst: UInt64? = nil
    ) {
      self.ingressRate = ingressRate
      self.ingressBurst = ingressBurst
      self.egressRate = egressRate
      self.egressBurst = egressBurst
    }
  }
}
