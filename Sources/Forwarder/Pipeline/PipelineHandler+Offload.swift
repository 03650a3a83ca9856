import PacketHeaders
import XSKEngine

extension PipelineHandler {
  /// Asks for a decision to be carried out by the XDP program, for a while.
  ///
  /// It is asked for with each unit that still comes through: a request may get lost, and a verdict's time may be over.
  @usableFromInline @inline(never)
  mutating func ask(_ entry: PipelineEntry, _ summary: PacketSummary, _ port: UInt8) {
    guard offload.isOpen, let verdict = OffloadedVerdict(entry.verdict) else { return }
    let key = entry.kind == .offloadedSource ? Self.source(summary, port) : Self.flow(summary, port)
    guard let key else { return }
    offload.ask(key, verdict, milliseconds: state.verdictLifetime, decidedIn: state.verdictGeneration)
  }

  private static func source(_ summary: PacketSummary, _ port: UInt8) -> VerdictKey? {
    guard summary.flags.contains(.addresses) else { return nil }
    let (outer, inner) = tags(summary)
    return .source(addresses(summary.key).source, port: port, outerVLAN: outer, innerVLAN: inner)
  }

  private static func flow(_ summary: PacketSummary, _ port: UInt8) -> VerdictKey? {
    let key = summary.key
    let isPlain =
      summary.flags.contains(.flow) && !summary.flags.contains(.fragment) && !summary.flags.contains(.ipv6Extensions)
    guard isPlain, key.ipProtocol == .tcp || key.ipProtocol == .udp else { return nil }
    let (outer, inner) = tags(summary)
    let (source, destination) = addresses(key)
    return .flow(
      from: source, key.sourcePort, to: destination, key.destinationPort, ipProtocol: key.ipProtocol.rawValue,
      port: port, outerVLAN: outer, innerVLAN: inner)
  }

  private static func tags(_ summary: PacketSummary) -> (outer: UInt16, inner: UInt16) {
    func tag(_ value: UInt16?) -> UInt16 { value.map { $0 & 0xFFF } ?? VerdictKey.untagged }
    return (tag(summary.outerVLAN), tag(summary.innerVLAN))
  }

  private static func addresses(_ key: FlowKey) -> (source: NetworkAddress, destination: NetworkAddress) {
    guard key.version == 6 else {
      return (
        NetworkAddress(ipv4: key.sourceIPv4.bigEndian), NetworkAddress(ipv4: key.destinationIPv4.bigEndian)
      )
    }
    return (NetworkAddress(ipv6: key.address0, key.address1), NetworkAddress(ipv6: key.address2, key.address3))
  }
}

extension OffloadedVerdict {
  /// nil: not one that the XDP program can carry out.
  init?(_ verdict: Verdict) {
    if let reason = verdict.dropReason {
      self = .drop(reason)
    } else if let port = verdict.egressPort {
      self = .redirect(to: port)
    } else {
      return nil
    }
  }
}

/// A worker's way to its requests, if it has one, without counting references on the packet path.
@safe struct OffloadDoor {
  // Safe: what the reference leads to is kept beside it.
  private let requests: OffloadRequests?
  private let reference: Unmanaged<OffloadRequests>?

  init(_ requests: OffloadRequests?) {
    self.requests = requests
    unsafe reference = requests.map { unsafe Unmanaged.passUnretained($0) }
  }

  var isOpen: Bool { unsafe reference != nil }

  func ask(_ key: VerdictKey, _ verdict: OffloadedVerdict, milliseconds: UInt32, decidedIn generation: UInt32) {
    unsafe reference?._withUnsafeGuaranteedRef {
      _ = $0.ask(key, verdict, milliseconds: milliseconds, decidedIn: generation)
    }
  }
}
