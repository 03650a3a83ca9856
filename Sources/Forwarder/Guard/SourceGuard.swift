/// Which sources may come in where, checked ahead of the rules (RFC 2827; a switch's port security and IP source guard).
///
/// An address belongs to at most one port. Packets that don't have what their port asks for are dropped under
/// `DropReason.spoofedMAC`, `.spoofedAddress`, `.unexpectedTag`, `.notIP` and `.linkLocal`.
public struct SourceGuard: Hashable, Sendable {
  /// Which source addresses may come in.
  public enum Sources: Hashable, Sendable {
    /// Any: nobody looks.
    case any
    /// The port's own addresses, and nothing that is not IP.
    case own
    /// All but those that belong to other ports.
    case foreign
  }

  /// What is asked of packets that come in on a port.
  public struct Port: Hashable, Sendable {
    /// The one source MAC address, in the low 48 bits, first byte highest; nil: any.
    public var mac: UInt64?
    /// The addresses that belong to the port.
    public var addresses: [IPAddress]
    public var sources: Sources
    /// The VLAN that packets are in; nil: untagged.
    public var vlan: UInt16?
    /// Packets with other tags are not looked at: rules decide about them. Else they are dropped.
    public var leavesTagsToRules: Bool
    /// Routed packets don't leave by a port with the same number; nil: they may.
    public var isolation: UInt8?

    public init(
      mac: UInt64? = nil, addresses: [IPAddress] = [], sources: Sources = .any, vlan: UInt16? = nil,
      leavesTagsToRules: Bool = false, isolation: UInt8? = nil
    ) {
      (self.mac, self.addresses, self.sources, self.vlan) = (mac, addresses, sources, vlan)
      (self.leavesTagsToRules, self.isolation) = (leavesTagsToRules, isolation)
    }
  }

  /// By the number of the port; nothing is asked where there is none.
  public var ports: [Int: Port]

  public init(_ ports: [Int: Port] = [:]) { self.ports = ports }
}
