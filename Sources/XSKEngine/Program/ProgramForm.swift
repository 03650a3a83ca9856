import CXsk

/// A program as it is to be loaded: which object file, which function, and what is set before.
struct ProgramForm {
  let image: BPFImage
  let function: String
  /// The program's read-only data, if it has settings.
  var settings: xsk_program_settings?
  /// The tables that it looks packets up in; nil: none.
  var tables: PolicyTables?
  /// The XSKMAP that it redirects to, the caller's; nil: it gets one of its own.
  var socketMap: CInt?
  /// It calls the driver's RX metadata functions: loaded for one device, attached natively and alone.
  var isDeviceBound = false

  /// The program that only redirects.
  static let plain = ProgramForm(image: .xsk_redirect, function: "xsk_redirect")

  /// What to load for a device, best first.
  ///
  /// - Parameter policy: what the program decides by itself there; nil: nothing.
  static func forms(
    _ metadata: MetadataConfiguration, policy: KernelPolicy.Part? = nil, for device: NetworkDevice
  ) -> [ProgramForm] {
    guard metadata.isOn || policy != nil else { return [.plain] }
    func form(_ image: BPFImage, _ hints: ReceiveHints, isDeviceBound: Bool) -> ProgramForm {
      let settings = xsk_program_settings(
        metadata: metadata.settings(hints: hints), policy: policy?.settings ?? xsk_policy_settings())
      return ProgramForm(
        image: image, function: "xsk_engine", settings: settings, tables: policy?.tables, isDeviceBound: isDeviceBound)
    }
    let software = form(.xsk_engine, [], isDeviceBound: false)
    let hints = metadata.usableHints.intersection(device.xdp?.receiveMetadata ?? [])
    guard !hints.isEmpty else { return [software] }
    return [form(.xsk_engine_hints, hints, isDeviceBound: true), software]
  }

  /// What of the driver this form asks for.
  var hints: ReceiveHints { ReceiveHints(rawValue: UInt64(settings?.metadata.hints ?? 0)) }
}

extension MetadataConfiguration {
  /// The driver's functions that some configured key is made with.
  var usableHints: ReceiveHints {
    var hints: ReceiveHints = []
    if keys.contains(.receiveHash) || keys.contains(.flowTag) { hints.insert(.hash) }
    if keys.contains(.receiveTimestamp) { hints.insert(.timestamp) }
    if keys.contains(.vlan) { hints.insert(.vlanTag) }
    return hints
  }

  /// Names of configured keys that packets will lack, because only the driver could know them and does not.
  ///
  /// - Parameter device: what it takes out of packets before XDP sees them.
  func missingNames(hints: ReceiveHints, of device: NetworkDevice) -> [String] {
    MetadataKey.wellKnown.filter { entry in
      guard keys.contains(entry.key) else { return false }
      return switch entry.key {
      case .receiveHash: !hints.contains(.hash)
      case .receiveTimestamp: !hints.contains(.timestamp)
      // A tag that is still in the frame is read there.
      case .vlan: !hints.contains(.vlanTag) && device.takesTagsOut
      default: false
      }
    }.map(\.name)
  }
}

extension NetworkDevice {
  /// Whether VLAN tags come beside the packet: the driver strips them, or a veth's far end leaves them to be inserted.
  var takesTagsOut: Bool { peer.map { $0.offloads?.isOn(.txvlan) ?? false } ?? offloads.isOn(.rxvlan) }
}
