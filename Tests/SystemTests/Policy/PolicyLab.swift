import Testing

@testable import XSKEngine
@testable import XSKLab

/// A machine that is a host itself, and a guest that talks to it and through it:
///
///     guest ── l0 ═ m0 ── host (engine) ── m1 ═ r0 ── far
///     10.7.0.1     10.7.0.254                10.7.0.2
///
/// IPv6 likewise, in fd07::/64. m0 runs NAPI in any case, so that the generator's frames can be redirected into l0.
struct PolicyLab {
  let guest: NetworkNamespace
  let host: NetworkNamespace
  let far: NetworkNamespace

  static let guestMAC: LinkAddress = "02:00:00:00:07:01"
  static let hostMAC: LinkAddress = "02:00:00:00:07:fe"

  private let isQuiet: Bool

  /// - Parameters:
  ///   - isQuiet: no IP addresses, so that no stack says anything by itself.
  ///   - farGRO: redirected packets can leave by m1.
  init(isQuiet: Bool = false, farGRO: Bool = true) throws {
    self.isQuiet = isQuiet
    guest = try NetworkNamespace("guest")
    host = try NetworkNamespace("host")
    far = try NetworkNamespace("far")
    try connectGuest()
    _ = try VethPair(
      VethEnd("m1", in: host),
      VethEnd("r0", in: far, addresses: isQuiet ? [] : ["10.7.0.2/24", "fd07::2/64"], gro: farGRO))
  }

  /// Makes the guest's cable (again).
  func connectGuest() throws {
    _ = try VethPair(
      VethEnd("l0", in: guest, address: Self.guestMAC, addresses: isQuiet ? [] : ["10.7.0.1/24", "fd07::1/64"]),
      VethEnd(
        "m0", in: host, address: Self.hostMAC, addresses: isQuiet ? [] : ["10.7.0.254/24", "fd07::fe/64"], gro: true))
  }

  /// m0, and m1 if it is wanted.
  func configuration(
    _ punt: PuntConfiguration = .none, ports: [String] = ["m0"], mode: ModeRequest = .auto,
    metadata: MetadataConfiguration = MetadataConfiguration(), offload: OffloadConfiguration? = nil
  ) -> EngineConfiguration {
    var configuration = EngineConfiguration(ports: ports.map { PortConfiguration($0, punt: punt) })
    configuration.socket.rings = RingSizes(receive: 2048, transmit: 2048)
    configuration.socket.mode = mode
    configuration.metadata = metadata
    configuration.offload = offload
    return configuration
  }

  func start<Handler: PacketHandler & SendableMetatype>(
    _ configuration: EngineConfiguration, _ handler: @escaping @Sendable (Engine.Placement) -> Handler
  ) throws -> Engine {
    try host.run { try Engine.start(configuration) { placement in handler(placement) } }
  }

  /// Whether the guest has an answer from an address; the first packets of a new path may be lost.
  func answers(_ address: String, within limit: Duration = patience) throws -> Bool {
    try eventually(limit) {
      try Ping.run(from: guest, to: address, count: 1, timeout: .milliseconds(200)).isComplete
    }
  }

  /// Frames of 60 bytes from a guest's address to nobody in particular, through the host.
  static func template(source: String = "198.51.100.1", destination: String = "203.0.113.1") -> FrameTemplate {
    FrameTemplate(sourceAddress: guestMAC, destinationAddress: hostMAC, source: source, destination: destination)
  }
}

extension Engine {
  func punted(_ kind: PuntKind, on port: String = "m0") -> UInt64 {
    kernelCounters?.punted[port]?[kind.name]?.packets ?? 0
  }

  /// Waits until the workers have received as many packets.
  func receives(_ count: UInt64) -> Bool {
    let reader = CounterReader(self)
    return eventually { reader.total(.receivedPackets) >= count }
  }
}
