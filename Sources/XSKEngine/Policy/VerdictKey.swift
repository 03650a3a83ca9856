import CXsk

/// What a verdict of the XDP program holds for: a flow, or all packets of a source address. Either for packets that come
/// in on one port, with the same VLAN tags.
@frozen public struct VerdictKey: Hashable, Sendable {
  public let source: NetworkAddress
  /// Of a flow; for a source it says nothing.
  public let destination: NetworkAddress
  /// Of a flow, in host order.
  public let sourcePort, destinationPort: UInt16
  /// 6 (TCP) or 17 (UDP) of a flow; 0 for a source.
  public let ipProtocol: UInt8
  /// The engine's number of the port that packets come in on.
  public let port: UInt8
  /// VLAN identifiers of the outer and the inner tag; `untagged` where there is none.
  public let outerVLAN, innerVLAN: UInt16

  /// No tag.
  @inlinable public static var untagged: UInt16 { 0xffff }

  @usableFromInline init(
    source: NetworkAddress, destination: NetworkAddress, sourcePort: UInt16, destinationPort: UInt16,
    ipProtocol: UInt8, port: UInt8, outerVLAN: UInt16, innerVLAN: UInt16
  ) {
    self.source = source
    self.destination = destination
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.ipProtocol = ipProtocol
    self.port = port
    self.outerVLAN = outerVLAN
    self.innerVLAN = innerVLAN
  }

  /// All packets from a source address, fragments too.
  ///
  /// - Parameters:
  ///   - port: the engine's number of the port that they come in on.
  ///   - outerVLAN, innerVLAN: 0…4095, or `untagged`.
  @inlinable public static func source(
    _ address: NetworkAddress, port: UInt8, outerVLAN: UInt16 = untagged, innerVLAN: UInt16 = untagged
  ) -> VerdictKey {
    VerdictKey(
      source: address, destination: address, sourcePort: 0, destinationPort: 0, ipProtocol: 0, port: port,
      outerVLAN: outerVLAN, innerVLAN: innerVLAN)
  }

  /// The packets of a TCP or UDP flow in one direction, without fragments and without IPv6 extension headers: those go to
  /// the socket as if there were no verdict.
  ///
  /// - Parameters:
  ///   - ipProtocol: 6 or 17.
  ///   - port: the engine's number of the port that they come in on.
  ///   - outerVLAN, innerVLAN: 0…4095, or `untagged`.
  @inlinable public static func flow(
    from source: NetworkAddress, _ sourcePort: UInt16, to destination: NetworkAddress, _ destinationPort: UInt16,
    ipProtocol: UInt8, port: UInt8, outerVLAN: UInt16 = untagged, innerVLAN: UInt16 = untagged
  ) -> VerdictKey {
    VerdictKey(
      source: source, destination: destination, sourcePort: sourcePort, destinationPort: destinationPort,
      ipProtocol: ipProtocol, port: port, outerVLAN: outerVLAN, innerVLAN: innerVLAN)
  }

  public var isFlow: Bool { ipProtocol != 0 }

  /// Whether a packet can have this key.
  var isSound: Bool {
    let tags = [outerVLAN, innerVLAN]
    guard tags.allSatisfy({ $0 == Self.untagged || $0 < 4096 }) else { return false }
    guard outerVLAN != Self.untagged || innerVLAN == Self.untagged else { return false }
    return !isFlow || (ipProtocol == 6 || ipProtocol == 17) && source.isIPv6 == destination.isIPv6
  }

  private var origin: xsk_origin {
    func tag(_ number: UInt16) -> UInt16 { number == Self.untagged ? 0 : UInt16(XSK_VLAN_PRESENT) | number }
    return xsk_origin(
      port: UInt16(port), vlan: (tag(outerVLAN), tag(innerVLAN)), protocol: ipProtocol, reserved: 0)
  }

  /// The kernel's table for it.
  var table: PolicyTables.Name {
    isFlow ? source.isIPv6 ? .flows6 : .flows4 : source.isIPv6 ? .sources6 : .sources4
  }

  /// Gives the key as the table of `table` has it.
  func withKey<Answer>(_ body: (UnsafeRawPointer) -> Answer) -> Answer {
    func call<Key>(_ key: Key) -> Answer {
      // The structure has no padding, and outlives the call.
      unsafe withUnsafePointer(to: key) { unsafe body(UnsafeRawPointer($0)) }
    }
    switch (isFlow, source.isIPv6) {
    case (true, true):
      return call(
        xsk_flow6_key(
          source: source.words, destination: destination.words, source_port: sourcePort.bigEndian,
          destination_port: destinationPort.bigEndian, origin: origin))
    case (true, false):
      return call(
        xsk_flow4_key(
          source: source.ipv4, destination: destination.ipv4, source_port: sourcePort.bigEndian,
          destination_port: destinationPort.bigEndian, origin: origin))
    case (false, true): return call(xsk_source6_key(source: source.words, origin: origin))
    case (false, false): return call(xsk_source4_key(source: source.ipv4, origin: origin))
    }
  }
}

/// What the XDP program does with a packet, before it ever reaches a ring.
@frozen public enum OffloadedVerdict: Hashable, Sendable {
  case drop(DropReason)
  /// Leaves by the port with this number as it came: nothing of it is rewritten.
  case redirect(to: UInt8)
}
