import Forwarder
import PacketHeaders
import XSKEngine

/// Texts that are addresses, protocols, flags.
package enum PacketValue {
  /// `02:00:00:00:00:01`.
  static func mac(_ text: String) throws(ValueFault) -> UInt64 {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
    let bytes = parts.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
    guard bytes.count == 6, parts.count == 6, !text.contains("+") else {
      throw ValueFault("no MAC address", "write it like 02:00:00:00:00:01")
    }
    return bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The address of a neighbour: one that a single device has.
  static func neighbourMAC(_ text: String) throws(ValueFault) -> UInt64 {
    let mac = try mac(text)
    guard mac != 0, mac >> 40 & 1 == 0 else {
      throw ValueFault("no device's own address", "use a unicast MAC address")
    }
    return mac
  }

  /// `02:00:00:00:00:01`, or `02:00:00:00:00:00/ff:ff:ff:00:00:00`.
  static func macPattern(_ text: String) throws(ValueFault) -> MACPattern {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let address = try mac(String(NumberValue.trim(parts[0])))
    guard parts.count == 2 else { return MACPattern(address) }
    let mask = try mac(String(NumberValue.trim(parts[1])))
    guard mask != 0 else { throw ValueFault("the mask is 0", "leave the condition out to match any address") }
    return MACPattern(address, mask: mask)
  }

  static func prefix(_ text: String) throws(ValueFault) -> AnyPrefix {
    do throws(XSKError) {
      if text.utf8.contains(UInt8(ascii: ":")) { return .ipv6(try IPv6Prefix(text)) }
      return .ipv4(try IPv4Prefix(text))
    } catch {
      let isPrefix = error.problem.hasPrefix("has ")
      throw ValueFault(
        isPrefix ? error.problem : "no prefix",
        isPrefix || error.remedy.hasPrefix("its") ? error.remedy : "write it like 192.0.2.0/24 or 2001:db8::/32")
    }
  }

  static func rulePrefix(_ text: String) throws(ValueFault) -> RulePrefix {
    switch try prefix(text) {
    case .ipv4(let prefix): RulePrefix(prefix)
    case .ipv6(let prefix): RulePrefix(prefix)
    }
  }

  static func address(_ text: String) throws(ValueFault) -> IPAddress {
    guard let address = IPAddress(text) else {
      throw ValueFault("no IP address", "write it like 192.0.2.1 or 2001:db8::1")
    }
    return address
  }

  /// `192.0.2.1/24`: an address with the length of its network.
  static func interfaceAddress(_ text: String) throws(ValueFault) -> InterfaceAddress {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let address = try address(String(parts[0]))
    guard parts.count == 2 else {
      throw ValueFault("without the length of its network", "write it like 192.0.2.1/24 or 2001:db8::1/64")
    }
    let width = AnyPrefix(address).length
    guard let length = NumberValue.unsigned(parts[1]), length <= UInt64(width) else {
      throw ValueFault("no prefix length", "use 0 to \(width)")
    }
    return InterfaceAddress(address, length: Int(length))
  }

  /// Names as in /etc/protocols.
  private static let protocols: [String: UInt8] = [
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51,
    "icmpv6": 58, "ospf": 89, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
  ]

  static func ipProtocol(_ text: String) throws(ValueFault) -> IPProtocol {
    if let number = protocols[text] { return IPProtocol(rawValue: number) }
    if let number = NumberValue.unsigned(text).flatMap(UInt8.init(exactly:)) { return IPProtocol(rawValue: number) }
    if let word = Words.nearest(text, protocols.keys.sorted()) {
      throw ValueFault("unknown protocol", "did you mean \"\(word)\"?")
    }
    throw ValueFault("unknown protocol", "use a name such as tcp, udp or icmpv6, or a number 0 to 255")
  }

  private static let etherTypes: [String: UInt16] = [
    "ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806, "mpls": 0x8847, "pppoe-discovery": 0x8863, "pppoe-session": 0x8864,
    "lldp": 0x88CC, "lacp": 0x8809, "ptp": 0x88F7,
  ]

  static func etherType(_ text: String) throws(ValueFault) -> UInt16 {
    if let number = etherTypes[text] { return number }
    guard let number = NumberValue.unsigned(text).flatMap(UInt16.init(exactly:)), number >= 0x600 else {
      throw ValueFault(
        "no EtherType", "use ip, ip6, arp, mpls, pppoe-discovery, pppoe-session, lldp, lacp, ptp, or 0x0600 to 0xffff")
    }
    return number
  }

  /// `10`, `100-199`, `none`, `any`.
  static func vlan(_ text: String) throws(ValueFault) -> VLANPattern {
    switch text {
    case "none": return .untagged
    case "any": return .tagged
    default:
      guard text.utf8.first.map({ (48...57).contains($0) }) ?? false else {
        throw ValueFault("no VLAN", "use an id 0 to 4095, a range of ids, none or any")
      }
      return .ids(try NumberValue.range(text, 0...4095))
    }
  }

  /// Names as nftables has them.
  private static let types: [String: (v4: UInt8?, v6: UInt8?)] = [
    "echo-request": (8, 128), "echo-reply": (0, 129), "destination-unreachable": (3, 1), "time-exceeded": (11, 3),
    "parameter-problem": (12, 4), "redirect": (5, nil), "packet-too-big": (nil, 2), "nd-router-solicit": (nil, 133),
    "nd-router-advert": (nil, 134), "nd-neighbor-solicit": (nil, 135), "nd-neighbor-advert": (nil, 136),
    "nd-redirect": (nil, 137),
  ]

  /// - Parameter isIPv6: nil: the rule doesn't say which, so names mean nothing.
  static func icmpType(_ text: String, isIPv6: Bool?) throws(ValueFault) -> UInt8 {
    if let number = NumberValue.unsigned(text).flatMap(UInt8.init(exactly:)) { return number }
    guard let type = types[text] else {
      throw ValueFault("unknown ICMP type", "use a name such as echo-request, or a number 0 to 255")
    }
    guard let isIPv6 else { throw ValueFault("means different things", "set protocol to icmp or to icmpv6") }
    guard let number = isIPv6 ? type.v6 : type.v4 else {
      throw ValueFault("\(isIPv6 ? "icmpv6" : "icmp") has no such type", "use another type, or a number 0 to 255")
    }
    return number
  }

  private static let flags: [String: PacketSummary.TCPFlags] = [
    "fin": .fin, "syn": .syn, "rst": .rst, "psh": .psh, "ack": .ack, "urg": .urg, "ece": .ece, "cwr": .cwr, "none": [],
  ]

  /// `syn`: that flag is set; `syn / syn,ack`: of the two that one only (nftables: `tcp flags syn / syn,ack`).
  static func tcpFlags(_ text: String) throws(ValueFault) -> TCPFlagsPattern {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let value = try flagSet(parts[0])
    let mask = parts.count == 1 ? value : try flagSet(parts[1])
    guard mask.rawValue != 0 else { throw ValueFault("no flag to look at", "write it like syn or syn / syn,ack") }
    guard value.isSubset(of: mask) else {
      throw ValueFault("flags that are not looked at", "name all flags behind the slash, as in syn / syn,ack")
    }
    return TCPFlagsPattern(value, mask: mask)
  }

  private static func flagSet(_ text: Substring) throws(ValueFault) -> PacketSummary.TCPFlags {
    var set: PacketSummary.TCPFlags = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let flag = flags[NumberValue.trim(word).lowercased()] else {
        throw ValueFault("unknown TCP flag", "use fin, syn, rst, psh, ack, urg, ece, cwr, as in syn / syn,ack")
      }
      set.formUnion(flag)
    }
    return set
  }

  /// Names stand in counters, metrics and command lines, so they are words.
  package static func word(_ text: String) throws(ValueFault) -> String {
    let isGood =
      (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || [45, 46, 95].contains(byte)
      }
    guard isGood else { throw ValueFault("not a word", "use 1 to 64 letters, digits, _ - and .") }
    return text
  }

  /// A drop reason of the operator's own, or one of the two that the engine and the operator share.
  static func reason(_ text: String) throws(ValueFault) -> String {
    let word = try word(text)
    let own = DropReason.own.map(\.name) + DropReason.pipelineNames.values
    guard ["policy", "rate_limit"].contains(word) || !own.contains(word) else {
      throw ValueFault("a drop reason of the engine's own", "choose another name")
    }
    return word
  }

  /// A network device's name, as the kernel takes it (dev_valid_name).
  package static func device(_ text: String) throws(ValueFault) -> String {
    let isGood =
      (1...15).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    guard isGood else {
      throw ValueFault("no device's name", "use at most 15 characters, without spaces, slashes and colons")
    }
    return text
  }
}
