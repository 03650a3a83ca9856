import CXsk

/// An XDP program that is on a device now.
public struct AttachedProgram: Hashable, Sendable {
  /// Where it runs (XDP_ATTACHED_*).
  public enum Place: String, Sendable {
    case native, generic, hardware
    /// Programs in more than one of these places.
    case several
  }

  /// The kernel's id of the program; `bpftool prog show id` knows more.
  public internal(set) var id: UInt32
  public internal(set) var place: Place
  /// The program's own name, at most 15 characters; nil if this process may not ask.
  public internal(set) var name: String?
  /// What keeps it there; nil: not looked for, nothing, or not to be seen.
  var holder: ProgramHolder?

  /// libxdp's dispatcher: more programs can join.
  public var isDispatcher: Bool { name == "xdp_dispatcher" }

  /// Parses IFLA_XDP; nil if nothing is attached.
  init?(_ attributes: NetlinkAttributes) {
    // IFLA_XDP_ATTACHED, then the program ids IFLA_XDP_PROG_ID, …_DRV_…, …_SKB_…, …_HW_…
    switch attributes.integer(2, as: UInt8.self) {
    case 1: place = .native
    case 2: place = .generic
    case 3: place = .hardware
    case 4: place = .several
    default: return nil
    }
    guard let id = (4...7).lazy.compactMap({ attributes.integer($0, as: UInt32.self) }).first(where: { $0 != 0 }) else {
      return nil
    }
    self.id = id
  }

  init(id: UInt32, place: Place, name: String?, holder: ProgramHolder? = nil) {
    self.id = id
    self.place = place
    self.name = name
    self.holder = holder
  }

  /// Asks the kernel for the program's name.
  mutating func findName() {
    var buffer = [CChar](repeating: 0, count: 64)
    let length = unsafe cxsk_bpf_program_name(id, &buffer, buffer.count)
    guard length > 0 else { return }
    name = String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
