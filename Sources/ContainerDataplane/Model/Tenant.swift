public import Forwarder
public import TenantAPI

/// An attachment: one interface of one container, and what it may do.
///
/// It is text as it stands on disk and in the API; `problems()` says whether it can be believed, and the numbers of its
/// addresses are nil or left out where it can't.
public struct Tenant: Codable, Hashable, Sendable, Identifiable {
  /// CONTAINERID-IFNAME, of CNI's character set, at most 128 characters.
  public var id: String
  /// For people: pod and namespace, or the container's name.
  public var name: String
  /// The path of the container's network namespace.
  public var namespace: String
  /// The interface in the container.
  public var device: String
  /// The other end of its veth, in the node's namespace; or the physical device that it has queues of.
  public var hostDevice: String
  /// MAC addresses of the two ends, as in `02:00:00:00:00:01`; of a physical device both are its own.
  public var mac, hostMAC: String
  /// Addresses with the length of one host: `10.1.0.5/32`, `fd00::5/128`. None: all that it does is its VLAN's. With
  /// physical queues they have the length of their network, and may be none.
  public var addresses: [String]
  /// Bytes of an IP packet at most.
  public var mtu: Int
  /// The uplink's VLAN that is its own, 1…4094.
  public var vlan: Int?
  /// The name of a policy in the configuration; empty with physical queues, whose packets no policy sees.
  public var policy: String
  public var quota: TenantQuota
  /// Who may ask for its sockets: a cgroup's path, a user's number.
  public var cgroup: String?
  public var uid: UInt32?
  /// The dataplane's spare port that it has, from 0; no two tenants have the same.
  public var port: Int?
  /// ISO 8601.
  public var createdAt: String
  /// The network that a container runtime knows it by; cleaning up one network leaves the others alone.
  public var network: String?
  /// What it may send and receive, beside its policy.
  public var bandwidth: AttachRequest.Bandwidth?
  /// What it has of a physical device, in place of an interface in its container; nil: a veth.
  public var physicalQueues: PhysicalQueues?
  /// The kernel's number of its network namespace (SO_NETNS_COOKIE). Its path may lead to another one's some day, while its veth,
  /// which the kernel takes away in the background, is still there. nil: attached by a daemon that did not write it down.
  public var namespaceCookie: UInt64?

  public init(
    id: String, name: String, namespace: String, device: String, hostDevice: String? = nil, mac: String,
    hostMAC: String, addresses: [String], mtu: Int = 1500, vlan: Int? = nil, policy: String = "default",
    quota: TenantQuota = TenantQuota(), cgroup: String? = nil, uid: UInt32? = nil, port: Int? = nil,
    createdAt: String
  ) {
    (self.id, self.name, self.namespace, self.device) = (id, name, namespace, device)
    self.hostDevice = hostDevice ?? TenantNames.hostDevice(of: id)
    (self.mac, self.hostMAC, self.addresses, self.mtu) = (mac, hostMAC, addresses, mtu)
    (self.vlan, self.policy, self.quota) = (vlan, policy, quota)
    (self.cgroup, self.uid, self.port, self.createdAt) = (cgroup, uid, port, createdAt)
  }

  /// The MAC addresses as numbers: the low 48 bits, first byte highest.
  public var macNumber: UInt64? { TenantAddress.mac(mac) }
  public var hostMACNumber: UInt64? { TenantAddress.mac(hostMAC) }

  /// The addresses as numbers.
  public var ipAddresses: [IPAddress] {
    addresses.compactMap { TenantAddress.address($0, inNetwork: physicalQueues != nil) }
  }

  public var tier: TierReport.Tier { physicalQueues == nil ? .veth : .physicalQueue }
}
