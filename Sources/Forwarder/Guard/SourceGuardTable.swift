import PacketHeaders
import XSKEngine

/// A port as the table asks: masks make one comparison of what may be anything.
@frozen @usableFromInline struct GuardedPort: BitwiseCopyable {
  /// The source MAC address as it stands in `PacketSummary.linkWord0` and `linkWord1`.
  @usableFromInline var macHigh: UInt64 = 0
  @usableFromInline var macHighMask: UInt64 = 0
  @usableFromInline var macLow: UInt64 = 0
  @usableFromInline var macLowMask: UInt64 = 0
  /// Whom a source address has to belong to: the port, or nobody.
  @usableFromInline var owner: UInt16 = SourceGuardTable.nobody
  @usableFromInline var isOn = false
  @usableFromInline var looksAtSources = false
  @usableFromInline var isOwnOnly = false
  @usableFromInline var leavesTagsToRules = false
  /// 0: none.
  @usableFromInline var vlan: UInt16 = 0
  /// 0: none.
  @usableFromInline var isolation: UInt16 = 0
}

/// An address and its port.
@frozen @usableFromInline struct GuardedAddress: BitwiseCopyable {
  /// As in `FlowKey`: IPv4 has 32 bits of the first.
  @usableFromInline var word0: UInt64 = 0
  @usableFromInline var word1: UInt64 = 0
  /// 4 or 6; 0: the place is free.
  @usableFromInline var version: UInt16 = 0
  @usableFromInline var port: UInt16 = 0
}

/// A `SourceGuard` as a worker asks it. Made off the packet path; never changed.
@usableFromInline struct SourceGuardTable: ~Copyable {
  @usableFromInline let ports: FixedArray<GuardedPort>
  /// Open addressing, at most a quarter full: a search ends at a free place.
  @usableFromInline let addresses: FixedArray<GuardedAddress>
  @usableFromInline let mask: Int
  @usableFromInline let isOn: Bool
  @usableFromInline let isolates: Bool

  @usableFromInline static var nobody: UInt16 { @inlinable get { 0xFFFF } }

  init(_ configuration: SourceGuard?) {
    let ports = configuration?.ports ?? [:]
    isOn = !ports.isEmpty
    isolates = ports.values.contains { $0.isolation != nil }
    var guarded = FixedArray(repeating: GuardedPort(), count: 256)
    for (number, port) in ports { guarded[number] = GuardedPort(port, number) }
    self.ports = guarded
    let all = ports.flatMap { number, port in port.addresses.map { GuardedAddress($0, number) } }
    var size = 16
    while size < all.count * 4 { size *= 2 }
    mask = size - 1
    var table = FixedArray(repeating: GuardedAddress(), count: size)
    for address in all {
      var place = Self.hash(address.word0, address.word1) & mask
      while table[place].version != 0 { place = (place + 1) & mask }
      table[place] = address
    }
    addresses = table
  }

  @inlinable @inline(__always) static func hash(_ word0: UInt64, _ word1: UInt64) -> Int {
    let product = (word0 ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: word1 ^ 0xD6E8_FEB8_6659_FD93)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }

  /// The port that a source address belongs to.
  @inlinable @inline(__always) func owner(_ key: FlowKey) -> UInt16 {
    let isIPv6 = key.version == 6
    let word0 = isIPv6 ? key.address0 : key.address0 & 0xFFFF_FFFF
    let word1 = isIPv6 ? key.address1 : 0
    var place = Self.hash(word0, word1) & mask
    while true {
      let entry = addresses[place]
      if entry.version == 0 { return Self.nobody }
      if entry.word0 == word0 && entry.word1 == word1 && entry.version == UInt16(key.version) { return entry.port }
      place = (place &+ 1) & mask
    }
  }

  /// Whether a packet may go on to the rules. If not, `reason` says why.
  @inlinable @inline(__always) func admits(_ summary: PacketSummary, on number: UInt8) -> Bool {
    let port = ports[Int(number)]
    guard port.isOn else { return true }
    let isOther =
      (summary.linkWord0 ^ port.macHigh) & port.macHighMask | (summary.linkWord1 ^ port.macLow) & port.macLowMask
    guard isOther == 0, summary.vlanTags == 0, port.vlan == 0 else { return false }
    guard port.looksAtSources else { return true }
    return summary.flags.contains(.addresses) && owner(summary.key) == port.owner
  }

  /// What `admits` has not let through, looked at with care: nil: it may go on after all.
  @usableFromInline @inline(never) func reason(_ summary: PacketSummary, on number: UInt8) -> DropReason? {
    let port = ports[Int(number)]
    let isOther =
      (summary.linkWord0 ^ port.macHigh) & port.macHighMask | (summary.linkWord1 ^ port.macLow) & port.macLowMask
    guard isOther == 0 else { return .spoofedMAC }
    let vlan = summary.vlanCount > 1 ? nil : (summary.outerVLAN ?? 0) & 0xFFF
    guard vlan == port.vlan else { return port.leavesTagsToRules && summary.vlanCount > 0 ? nil : .unexpectedTag }
    guard port.looksAtSources else { return nil }
    // What could not be parsed that far is for who decides about malformed packets.
    guard summary.flags.contains(.addresses) else { return summary.isMalformed || !port.isOwnOnly ? nil : .notIP }
    guard owner(summary.key) != port.owner else { return nil }
    return port.isOwnOnly && summary.key.isFromLinkLocal ? .linkLocal : .spoofedAddress
  }

  /// Whether routed packets may not leave by a port.
  @inlinable @inline(__always) func separates(_ ingress: UInt8, _ egress: UInt8) -> Bool {
    let group = ports[Int(ingress)].isolation
    return group != 0 && group == ports[Int(egress)].isolation
  }
}

extension GuardedPort {
  fileprivate init(_ port: SourceGuard.Port, _ number: Int) {
    isOn = true
    if let mac = port.mac {
      // In memory order: the first two bytes are the high ones of a word whose low six are the destination.
      (macHigh, macHighMask) = (UInt64(UInt16(truncatingIfNeeded: mac >> 32).byteSwapped) << 48, 0xFFFF << 48)
      (macLow, macLowMask) = (UInt64(UInt32(truncatingIfNeeded: mac).byteSwapped), 0xFFFF_FFFF)
    }
    looksAtSources = port.sources != .any
    isOwnOnly = port.sources == .own
    owner = isOwnOnly ? UInt16(number) : SourceGuardTable.nobody
    vlan = port.vlan ?? 0
    leavesTagsToRules = port.leavesTagsToRules
    isolation = port.isolation.map { UInt16($0) + 1 } ?? 0
  }
}

extension GuardedAddress {
  fileprivate init(_ address: IPAddress, _ number: Int) {
    port = UInt16(number)
    switch address {
    case .ipv4(let address):
      version = 4
      word0 = UInt64(address.byteSwapped)
    case .ipv6(let address):
      version = 6
      let memory = address.byteSwapped
      (word0, word1) = (UInt64(truncatingIfNeeded: memory), UInt64(truncatingIfNeeded: memory >> 64))
    }
  }
}

extension FlowKey {
  /// IPv6 from fe80::/10, or from the unspecified address: never routed.
  fileprivate var isFromLinkLocal: Bool {
    version == 6 && (sourceIPv6 >> 118 == 0xFE80 >> 6 || sourceIPv6 == 0)
  }
}
