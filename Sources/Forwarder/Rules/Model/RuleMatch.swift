public import PacketHeaders

/// What a rule asks of a packet: all conditions that are there must be met.
///
/// A condition is met by a packet that *has* the field, and whose field is one of the values (negated: none of them). A
/// packet without the field meets neither the condition nor its negation: an ARP frame is neither in 10.0.0.0/8 nor outside of
/// it, a later fragment has no ports. So a malformed packet matches only rules that don't ask for what could not be parsed.
///
/// | field | who has it |
/// |---|---|
/// | ingress port, length | every packet |
/// | MAC addresses | Ethernet, of at least 14 bytes |
/// | VLAN | every packet whose tags are whole, also "none"; raw IP has none |
/// | VLAN priority | tagged packets |
/// | EtherType | Ethernet with whole tags; of a tagged packet the one behind the tags |
/// | IP version, addresses | IPv4 and IPv6 whose fixed header is there |
/// | protocol | the same; of IPv6 only if its length and extension headers are well formed |
/// | fragment | IPv4 and IPv6 with a well-formed IP header: is one, or isn't |
/// | ports | TCP and UDP, whole or the first fragment, if their bytes are there |
/// | ICMP type and code | whole, well-formed ICMP and ICMPv6 packets |
/// | TCP flags | whole, well-formed TCP segments |
/// | metadata | packets whose metadata has the key |
public struct RuleMatch: Hashable, Sendable {
  /// Port numbers 0…255, in the engine's order.
  public var ingressPort: Condition<UInt8>?
  public var sourceMAC: Condition<MACPattern>?
  public var destinationMAC: Condition<MACPattern>?
  /// The outer tag.
  public var vlan: Condition<VLANPattern>?
  /// The outer tag's priority (PCP), 0…7.
  public var vlanPriority: Condition<UInt8>?
  /// In host order: 0x0806 is ARP.
  public var etherType: Condition<UInt16>?
  /// 4 or 6.
  public var ipVersion: Condition<UInt8>?
  /// Behind IPv6's extension headers.
  public var ipProtocol: Condition<IPProtocol>?
  public var source: Condition<RulePrefix>?
  public var destination: Condition<RulePrefix>?
  /// The source is in a prefix set, named here and looked up in `RuleContext`; of several names: in one of them.
  public var sourceSet: Condition<String>?
  public var destinationSet: Condition<String>?
  public var sourcePort: Condition<ClosedRange<UInt16>>?
  public var destinationPort: Condition<ClosedRange<UInt16>>?
  public var icmpType: Condition<UInt8>?
  public var icmpCode: Condition<UInt8>?
  public var tcpFlags: Condition<TCPFlagsPattern>?
  public var isFragment: Bool?
  /// Bytes of the frame from its first byte on, padding included, without check sequence.
  public var length: Condition<ClosedRange<UInt16>>?
  /// Conditions on the packet's metadata, all of which must be met.
  public var metadata: [MetadataPattern] = []

  /// Asks nothing: every packet matches.
  public init() {}

  public init(_ change: (inout RuleMatch) -> Void) { change(&self) }

  /// What it asks of the flow: addresses, prefix sets, ports, protocol.
  var flowPart: RuleMatch {
    RuleMatch {
      ($0.ipProtocol, $0.source, $0.destination) = (ipProtocol, source, destination)
      ($0.sourceSet, $0.destinationSet, $0.sourcePort, $0.destinationPort) = (
        sourceSet, destinationSet, sourcePort, destinationPort
      )
    }
  }

  var asksForFlowOnly: Bool { self == flowPart }

  /// Of the flow protocol and ports only.
  var asksForServiceOnly: Bool {
    asksForFlowOnly && source == nil && destination == nil && sourceSet == nil && destinationSet == nil
  }

  /// Whether packets without a VLAN tag that come in on a port may meet it, as far as port and tag tell.
  func isForUntagged(on port: UInt8) -> Bool {
    if let ingressPort, ingressPort.values.contains(port) == ingressPort.isNegated { return false }
    if let vlan, vlan.values.contains(.untagged) == vlan.isNegated { return false }
    return vlanPriority == nil
  }

  /// The prefix sets that it names, with repetitions.
  var setNames: [String] { (sourceSet?.values ?? []) + (destinationSet?.values ?? []) }
}

/// One of these values, or none of them.
public struct Condition<Value: Hashable & Sendable>: Hashable, Sendable, ExpressibleByArrayLiteral {
  /// At least one.
  public var values: [Value]
  public var isNegated: Bool

  public init(_ values: [Value], isNegated: Bool = false) {
    self.values = values
    self.isNegated = isNegated
  }

  public init(arrayLiteral values: Value...) { self.init(values) }

  public static func anyOf(_ values: Value...) -> Self { Self(values) }
  public static func noneOf(_ values: Value...) -> Self { Self(values, isNegated: true) }
}
