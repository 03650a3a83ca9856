import CXsk

/// What a TAP device's stack may leave unfinished in what it sends, and takes merged: the forms of `TUNSETOFFLOAD`
/// (linux/if_tun.h).
public struct TapOffloads: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Checksums. All others need it.
  public static var checksum: TapOffloads { TapOffloads(rawValue: CXSK_TUN_CSUM) }
  /// TCP segments over IPv4, of up to 64 KiB.
  public static var tcp4: TapOffloads { TapOffloads(rawValue: CXSK_TUN_TSO4) }
  public static var tcp6: TapOffloads { TapOffloads(rawValue: CXSK_TUN_TSO6) }
  /// The same with ECN's marks.
  public static var ecn: TapOffloads { TapOffloads(rawValue: CXSK_TUN_TSO_ECN) }
  /// UDP datagrams (Linux 6.2). The kernel takes both versions, or neither.
  public static var udp: TapOffloads { TapOffloads(rawValue: CXSK_TUN_USO4 | CXSK_TUN_USO6) }

  /// All forms.
  public static var all: TapOffloads { [.checksum, .tcp4, .tcp6, .ecn, .udp] }

  /// Each form with its name, in the order in which one needs those before it.
  static let forms: [(form: TapOffloads, name: String)] = [
    (.checksum, "checksum"), (.tcp4, "tcp4"), (.tcp6, "tcp6"), (.ecn, "ecn"), (.udp, "udp"),
  ]

  /// The names of the forms, in a fixed order.
  public var names: [String] { Self.forms.filter { contains($0.form) }.map(\.name) }

  /// Tries all forms of `wanted` at once, else one after the other.
  ///
  /// - Parameter set: switches these on and all others off; 0 or a negative errno.
  /// - Returns: those that are on, and a line for each that was refused.
  static func probe(
    _ wanted: TapOffloads, device: String, set: (TapOffloads) -> CInt
  ) -> (accepted: TapOffloads, notes: [String]) {
    guard set(wanted) != 0 else { return (wanted, []) }
    var accepted: TapOffloads = []
    var notes: [String] = []
    for (form, name) in forms where wanted.contains(form) {
      let code = set(accepted.union(form))
      if code == 0 {
        accepted.formUnion(form)
      } else {
        notes.append("\(device): the kernel refuses offload \(name) (\(errorName(-code))); going on without it")
      }
    }
    // A form that was refused has changed nothing: what was accepted last is on.
    return (accepted, notes)
  }
}
