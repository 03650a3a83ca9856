import CXsk

/// What the XDP program writes ahead of each packet. Nothing, unless keys are named.
///
/// The block's length follows from the keys: 16 bytes of header and the sizes of all of them, rounded up to 4. It is the same
/// for every packet, also for one that lacks some of the keys.
public struct MetadataConfiguration: Hashable, Sendable {
  /// Well-known keys that the engine's program writes.
  public var keys: Set<MetadataKey>
  /// The deployment's own keys. The engine's program keeps room for them, and leaves them absent.
  public var deployment: [DeploymentKey]
  /// The value of `MetadataKey.mark`.
  public var mark: UInt32

  public init(_ keys: Set<MetadataKey> = [], deployment: [DeploymentKey] = [], mark: UInt32 = 0) {
    self.keys = keys
    self.deployment = deployment
    self.mark = mark
  }

  /// Whether packets carry metadata at all.
  public var isOn: Bool { !keys.isEmpty || !deployment.isEmpty }

  /// Bytes of the block; 0 when it is off.
  public var length: Int {
    guard isOn else { return 0 }
    let values = keys.reduce(0) { $0 + ($1.wellKnownSize ?? 0) } + deployment.reduce(0) { $0 + $1.bytes }
    return (Int(XSK_METADATA_HEADER_BYTES) + values + 3) & ~3
  }

  /// - Throws: a key that the program can't write, or a deployment key without a proper number, name or size.
  func validate() throws(XSKError) {
    for key in keys where key.wellKnownSize == nil {
      throw XSKError(
        "metadata key \(key.number)", "not one that the engine's program writes",
        remedy: key.isDeployment ? "name it among the deployment's keys" : "use keys 0 to 5")
    }
    var seen: Set<MetadataKey> = []
    var names: Set<String> = []
    for entry in deployment {
      guard entry.key.isDeployment else {
        throw XSKError("metadata key \(entry.key.number) \"\(entry.name)\"", "well known", remedy: "use keys 32 to 63")
      }
      guard [2, 4, 8].contains(entry.bytes) else {
        throw XSKError(
          "metadata key \(entry.key.number) \"\(entry.name)\"", "its value has \(entry.bytes) bytes",
          remedy: "use 2, 4 or 8")
      }
      guard !entry.name.isEmpty, seen.insert(entry.key).inserted, names.insert(entry.name).inserted else {
        throw XSKError(
          "metadata key \(entry.key.number) \"\(entry.name)\"", "has no name, or is named twice",
          remedy: "give each key one name of its own")
      }
    }
  }

  /// As the program reads it.
  func settings(hints: ReceiveHints) -> xsk_metadata_settings {
    xsk_metadata_settings(
      keys: keys.reduce(0) { $0 | 1 << UInt64($1.number) }, length: UInt32(length), mark: mark,
      hints: UInt32(truncatingIfNeeded: hints.rawValue), reserved: 0)
  }
}

extension MetadataConfiguration {
  /// Asks the kernel whether it accepts a block of this length; loads and runs a program of three instructions.
  ///
  /// Older kernels accept 32 bytes, later ones 252 where there is room: struct xdp_frame takes 40 of XDP's 256 bytes of
  /// headroom (Linux 6.18), which leaves 216.
  /// - Throws: a length above the limit, which is named, or privileges that are missing.
  func checkKernelLimit() throws(XSKError) {
    guard isOn else { return }
    guard try !Self.isAccepted(length) else { return }
    var (accepted, refused) = (0, length)
    while refused - accepted > 4 {
      let middle = (accepted + refused) / 8 * 4
      if try Self.isAccepted(middle) { accepted = middle } else { refused = middle }
    }
    throw XSKError(
      "metadata of \(length) bytes", "longer than the \(accepted) bytes that this kernel accepts",
      remedy: "name fewer keys, \(length - accepted) bytes less (the header takes 16)")
  }

  private static func isAccepted(_ length: Int) throws(XSKError) -> Bool {
    let answer = cxsk_metadata_is_accepted(UInt32(length))
    guard answer >= 0 else {
      throw XSKError(
        "metadata of \(length) bytes", refused: "the kernel can't be asked whether it accepts that", code: answer,
        remedy: "run as root, or grant CAP_NET_ADMIN and CAP_BPF")
    }
    return answer == 1
  }
}
