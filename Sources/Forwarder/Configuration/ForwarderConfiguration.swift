public import GROLite
public import XSKEngine

/// What a forwarder is to do: the configuration file as a plain value, or what a program makes without a file.
///
/// References are resolved: rules name ports and limiters by their numbers, in the order of `ports` and `limiters`. A value
/// that `ConfigurationFile` gives is consistent.
public struct ForwarderConfiguration: Hashable, Sendable {
  /// At most 254; their order is the engine's.
  public var ports: [ForwarderPort]
  public var engine: EngineSettings
  public var sets: [NamedPrefixes]
  public var limiters: [RateLimiter]
  public var rules: RuleSet
  public var routes: [ConfiguredRoute]
  public var neighbours: [ConfiguredNeighbour]
  /// The kernel's routes are followed, beside those that are here; nil: they are not.
  public var kernelRoutes: KernelRouteSettings?
  /// What the XDP program writes ahead of packets, and the deployment's own keys.
  public var metadata: MetadataConfiguration
  /// Which sources may come in where; nil: nobody looks.
  public var sources: SourceGuard?
  /// Access lists for routed packets, by the number of the port.
  public var access: [Int: PortAccess] = [:]
  /// Decisions of rules that the XDP program carries out; of use only if a rule has `Rule.offload`.
  public var offload = OffloadSettings()

  public init(ports: [ForwarderPort], rules: RuleSet = RuleSet()) {
    self.ports = ports
    self.rules = rules
    engine = EngineSettings()
    (sets, limiters, routes, neighbours) = ([], [], [], [])
    metadata = MetadataConfiguration()
  }
}

/// A device, under the name that rules and routes use.
public struct ForwarderPort: Hashable, Sendable {
  public var name: String
  public var device: String
  /// RX queues; nil: all.
  public var queues: [Int]?
  /// The VLAN that routed packets leave in, 1…4094; nil: untagged.
  public var vlan: UInt16?
  /// Bytes of the largest IP packet that is routed out, 576…65,535; nil: the device's MTU.
  public var mtu: UInt16?
  /// Its own addresses: ICMP answers come from the first of each version, and their networks are connected here.
  public var addresses: [InterfaceAddress]
  /// The TAP device to make for the action `host`: it stands in the port's place; nil: none.
  public var tap: String?
  /// What the XDP program leaves to the kernel's stack.
  public var punt = ConfiguredPunt.auto
  /// Whether packets to other stations' MAC addresses come in, too; nil: if the rules forward packets, and route none.
  public var promiscuous: Bool?

  public init(
    _ name: String, device: String, queues: [Int]? = nil, vlan: UInt16? = nil, mtu: UInt16? = nil,
    addresses: [InterfaceAddress] = []
  ) {
    (self.name, self.device, self.queues) = (name, device, queues)
    (self.vlan, self.mtu, self.addresses) = (vlan, mtu, addresses)
  }
}

/// What of a port's packets belongs to the host itself.
public enum ConfiguredPunt: Hashable, Sendable {
  /// What is sent to the kernel's own addresses, and neighbours' questions for them; of a router all of neighbour discovery.
  /// Nothing where a TAP device stands in the port's place.
  case auto
  case given(PuntConfiguration)
}

/// An address in host order.
public enum IPAddress: Hashable, Sendable {
  case ipv4(UInt32)
  case ipv6(UInt128)

  /// Reads an address of either version as inet_pton(3) does.
  public init?(_ text: String) {
    if let number = UInt32(addressText: text) {
      self = .ipv4(number)
    } else if let number = UInt128(addressText: text) {
      self = .ipv6(number)
    } else {
      return nil
    }
  }
}

extension IPAddress {
  /// In fe80::/10: known on its link only, and never routed (RFC 4291 section 2.5.6).
  public var isLinkLocal: Bool {
    if case .ipv6(let number) = self { return number >> 118 == 0xFE80 >> 6 }
    return false
  }
}

extension IPAddress: CustomStringConvertible {
  public var description: String {
    switch self {
    case .ipv4(let number): number.addressText
    case .ipv6(let number): number.addressText
    }
  }
}

/// A prefix of either version.
public enum AnyPrefix: Hashable, Sendable {
  case ipv4(IPv4Prefix)
  case ipv6(IPv6Prefix)

  public func contains(_ address: IPAddress) -> Bool {
    switch (self, address) {
    case (.ipv4(let prefix), .ipv4(let number)): prefix.contains(number)
    case (.ipv6(let prefix), .ipv6(let number)): prefix.contains(number)
    default: false
    }
  }

  /// The prefix of one address.
  public init(_ address: IPAddress) {
    switch address {
    case .ipv4(let number): self = .ipv4(IPv4Prefix(masking: number, length: 32))
    case .ipv6(let number): self = .ipv6(IPv6Prefix(masking: number, length: 128))
    }
  }

  public var length: Int {
    switch self {
    case .ipv4(let prefix): Int(prefix.length)
    case .ipv6(let prefix): Int(prefix.length)
    }
  }
}

extension AnyPrefix: CustomStringConvertible {
  public var description: String {
    switch self {
    case .ipv4(let prefix): prefix.description
    case .ipv6(let prefix): prefix.description
    }
  }
}

/// An address, and the network that it is in.
public struct InterfaceAddress: Hashable, Sendable {
  public var address: IPAddress
  public var network: AnyPrefix

  public init(_ address: IPAddress, length: Int) {
    self.address = address
    switch address {
    case .ipv4(let number): network = .ipv4(IPv4Prefix(masking: number, length: length))
    case .ipv6(let number): network = .ipv6(IPv6Prefix(masking: number, length: length))
    }
  }
}

/// A prefix set by name.
public struct NamedPrefixes: Hashable, Sendable {
  public var name: String
  public var ipv4: [IPv4Prefix]
  public var ipv6: [IPv6Prefix]

  public init(_ name: String, ipv4: [IPv4Prefix] = [], ipv6: [IPv6Prefix] = []) {
    (self.name, self.ipv4, self.ipv6) = (name, ipv4, ipv6)
  }
}

/// A rate limit by name.
public struct RateLimiter: Hashable, Sendable {
  public var name: String
  public var limit: RateLimit
  /// What has a limit of its own; nil: all packets of the rules that name it share one.
  public var key: RateKey?
  /// Buckets of a `RateTable`; of no use without a key.
  public var entries: Int
  /// The drop reason of what exceeds it.
  public var excess: String

  public init(
    _ name: String, _ limit: RateLimit, forEach key: RateKey? = nil, entries: Int = 65_536,
    excess: String = "rate_limit"
  ) {
    (self.name, self.limit, self.key, self.entries, self.excess) = (name, limit, key, entries, excess)
  }
}

/// A neighbour whose MAC address is known.
public struct ConfiguredNeighbour: Hashable, Sendable {
  public var address: IPAddress
  /// In the low 48 bits, first byte highest.
  public var mac: UInt64
  /// Index into `ForwarderConfiguration.ports`.
  public var port: Int

  public init(_ address: IPAddress, mac: UInt64, port: Int) {
    (self.address, self.mac, self.port) = (address, mac, port)
  }
}

/// Where packets to some prefixes go.
public struct ConfiguredRoute: Hashable, Sendable {
  public enum Destination: Hashable, Sendable {
    case prefix(AnyPrefix)
    /// All prefixes of a set, by its index in `ForwarderConfiguration.sets`.
    case set(Int)
  }

  public enum Target: Hashable, Sendable {
    /// To a router, whose MAC address `neighbours` has.
    case gateway(IPAddress, port: Int)
    /// To the MAC address, whatever the destination.
    case mac(UInt64, port: Int)
    /// Destinations are neighbours there.
    case connected(port: Int)
    case blackhole, unreachable, prohibited
  }

  public var destination: Destination
  public var target: Target
  /// nil: the egress port's.
  public var mtu: UInt16?
  /// 0: untagged; nil: the egress port's.
  public var vlan: UInt16?

  public init(_ destination: Destination, _ target: Target, mtu: UInt16? = nil, vlan: UInt16? = nil) {
    (self.destination, self.target, self.mtu, self.vlan) = (destination, target, mtu, vlan)
  }
}

/// Decisions that the XDP program carries out for a while.
public struct OffloadSettings: Hashable, Sendable {
  /// At one time, 0…4,194,304: flows, IPv4 and IPv6 together, and sources likewise.
  public var flows = 16_384
  public var sources = 16_384
  /// Milliseconds, 100…86,400,000. Then the next packet is decided about anew.
  public var lifetime = 10_000

  public init() {}
}

/// Which of the kernel's routes are followed.
public struct KernelRouteSettings: Hashable, Sendable {
  /// The table, 1…4,294,967,295 but 255; 254 is `main`. (The table `local`, 255, is followed always.)
  public var table: UInt32

  public init(table: UInt32 = 254) { self.table = table }
}

/// How the engine is to work; the defaults are what an operator would want without further thought.
public struct EngineSettings: Hashable, Sendable {
  /// CPUs for workers; nil: one a queue, highest first.
  public var cores: [Int]?
  public var mode: ModeRequest = .auto
  public var idle: IdlePolicy = .adaptive
  /// 1…1024.
  public var batch = 64
  /// 2048 or 4096.
  public var chunk = 2048
  public var hugepages: UMEMConfiguration.Pages = .plain
  /// nil: no GRO, each packet is a unit.
  public var gro: GROConfiguration.Mode? = .chain
  /// Microseconds, 0…1000.
  public var groHold = 0

  public init() {}
}
