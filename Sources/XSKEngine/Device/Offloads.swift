/// What a device does to packets on its own, by the kernel's feature names (`ethtool -k` shows most under older names).
public struct Offloads: Hashable, Sendable {
  public struct State: Hashable, Sendable {
    public var isOn: Bool
    /// The driver does not let anyone change it.
    public var isFixed: Bool

    public init(isOn: Bool, isFixed: Bool = false) {
      self.isOn = isOn
      self.isFixed = isFixed
    }
  }

  /// The names that `ethtool -K` takes, each for one or several of the kernel's features.
  public enum Group: String, CaseIterable, Sendable {
    case tx, tso, gso, txvlan, gro, lro, rxvlan
    case hardwareGRO = "rx-gro-hw"
    case udpGROForwarding = "rx-udp-gro-forwarding"

    /// The kernel's names.
    public var features: Set<String> {
      switch self {
      case .tx:
        ["tx-checksum-ipv4", "tx-checksum-ip-generic", "tx-checksum-ipv6", "tx-checksum-sctp", "tx-checksum-fcoe-crc"]
      case .tso:
        [
          "tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
        ]
      case .gso: ["tx-generic-segmentation"]
      case .txvlan: ["tx-vlan-hw-insert"]
      case .gro: ["rx-gro"]
      case .lro: ["rx-lro"]
      case .rxvlan: ["rx-vlan-hw-parse"]
      case .hardwareGRO: ["rx-gro-hw"]
      case .udpGROForwarding: ["rx-udp-gro-forwarding"]
      }
    }
  }

  /// State of every feature that this kernel knows, by name.
  public internal(set) var states: [String: State]

  public init(_ states: [String: State]) {
    self.states = states
  }

  /// Whether any feature of the group is on.
  public func isOn(_ group: Group) -> Bool {
    group.features.contains { states[$0]?.isOn == true }
  }

  /// Whether a feature of the group is on that nobody can switch off.
  public func isFixedOn(_ group: Group) -> Bool {
    group.features.contains { states[$0] == State(isOn: true, isFixed: true) }
  }

  /// Parses struct ethtool_gfeatures: command, count, then {available, requested, active, never changed} for each 32
  /// features. Words that are missing count as off.
  init(names: [String], answer: ArraySlice<UInt8>) {
    states = [:]
    for (bit, name) in names.enumerated() where !name.isEmpty {
      let block = 8 + bit / 32 * 16
      let mask: UInt32 = 1 << UInt32(bit % 32)
      let word = { (index: Int) in (answer.native(at: block + index * 4, as: UInt32.self) ?? 0) & mask != 0 }
      states[name] = State(isOn: word(2), isFixed: !word(0) || word(3))
    }
  }
}
