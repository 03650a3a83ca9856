/// A flow of the burst, and its epoch: one cache line. A flow's number is the index of its first packet, with which others
/// are compared.
@frozen @usableFromInline
struct Flow: BitwiseCopyable {
  // What the next packet's headers are if it simply continues the flow: these words, and the addresses and ports of the
  // flow's first packet.

  /// IPv4: bytes 18…25 (identification, fragment, TTL, protocol, checksum) as `HeaderWords.counting` turns them. IPv6:
  /// bytes 14…21 (version to hop limit), as in memory.
  @usableFromInline var network: UInt64 = 0
  /// IPv4: what `network` becomes less with every packet. While no packet is expected: 0, and `network` has the
  /// identification of `last`.
  @usableFromInline var networkStep: UInt64 = 0
  /// TCP: as in the summary of the last packet that was parsed.
  @usableFromInline var tcpWord: UInt64 = 0
  /// TCP options: their first 8 bytes, as in memory.
  @usableFromInline var options: UInt64 = 0
  /// TCP options: the 4 bytes that follow. UDP: the length field.
  @usableFromInline var moreOptions: UInt32 = 0
  /// Bytes that such a packet has at least; `.max`: no packet is expected.
  @usableFromInline var twinLength: UInt32 = .max
  /// The sequence number behind `last`. UDP: of no meaning.
  @usableFromInline var nextSequence: UInt32 = 0
  /// IPv4: bytes 14…17 (version and IHL, TOS, length), as in memory.
  @usableFromInline var ipv4Start: UInt32 = 0
  /// Bytes of payload.
  @usableFromInline var payload: UInt16 = 0
  @usableFromInline var kind = TwinKind.tcpIPv4

  @usableFromInline var chain = Chain()
  /// Another flow in the same slot of the index.
  @usableFromInline var nextInSlot: UInt16 = .max

  /// No epoch: what comes next begins one.
  @inlinable static var idle: UInt16 { .max }
  /// An epoch with a packet that came too late: packets are only linked, and units made when it is sorted.
  @inlinable static var disordered: UInt16 { .max &- 1 }

  @inlinable @inline(always)
  init() {}

  /// The epoch's packets and units.
  @frozen @usableFromInline
  struct Chain: BitwiseCopyable {
    /// The epoch's first packet to arrive: the one that others of the flow are compared with.
    @usableFromInline var head: UInt16 = 0
    /// The epoch's last packet to arrive.
    @usableFromInline var last: UInt16 = 0
    /// The epoch's first unit.
    @usableFromInline var firstUnit: UInt16 = 0
    /// The epoch's latest unit, while its packets come in ascending sequence and units are made as they come; otherwise
    /// `idle` or `disordered`.
    @usableFromInline var unit: UInt16 = Flow.idle

    @inlinable @inline(always)
    init() {}

    /// Of a packet and a unit. One store instead of four: the fields in the order that they have in memory.
    @inlinable @inline(always)
    init(packet: UInt16, unit: UInt16) {
      let word = UInt64(packet) &* 0x1_0001 | UInt64(unit) &* 0x1_0001 &<< 32
      // Four integers fill the 8 bytes, and any bits are a value of each.
      self = unsafe unsafeBitCast(word, to: Chain.self)
    }
  }

  @inlinable @inline(always) var head: UInt16 { chain.head }
  @inlinable @inline(always) var firstUnit: UInt16 {
    get { chain.firstUnit }
    set { chain.firstUnit = newValue }
  }
  @inlinable @inline(always) var last: UInt16 {
    get { chain.last }
    set { chain.last = newValue }
  }
  @inlinable @inline(always) var unit: UInt16 {
    get { chain.unit }
    set { chain.unit = newValue }
  }

  /// The short way is closed: no packet is expected any more.
  @inlinable @inline(always)
  mutating func expectNone() {
    guard twinLength != .max else { return }
    twinLength = .max
    note(identification: kind.isIPv4 ? HeaderWords.identification(network) &- (networkStep == 0 ? 0 : 1) : 0)
  }

  /// IPv4: the identification of `last`, if no packet is expected.
  @inlinable @inline(always)
  var identification: UInt16 { HeaderWords.identification(network) }

  @inlinable @inline(always)
  mutating func note(identification: UInt16) {
    network = UInt64(identification) &<< 32
    networkStep = 0
  }
}

/// The packets that can be recognised without being parsed: untagged TCP and UDP over IPv4 without options, or over IPv6
/// without extension headers.
@frozen @usableFromInline
enum TwinKind: UInt8, BitwiseCopyable {
  case tcpIPv4, udpIPv4, tcpOptionsIPv4, tcpIPv6, udpIPv6, tcpOptionsIPv6

  @inlinable @inline(always)
  var isIPv4: Bool { rawValue <= TwinKind.tcpOptionsIPv4.rawValue }
}

/// What is known about a packet's transport checksum.
@frozen @usableFromInline
enum Check: UInt8, BitwiseCopyable {
  case unknown, good, bad
}
