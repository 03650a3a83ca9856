import CXsk

/// The privileges that AF_XDP asks for; see capabilities(7).
public enum Capability: UInt32, CaseIterable, Codable, Sendable {
  case netAdmin = 12
  case netRaw = 13
  case ipcLock = 14
  case sysAdmin = 21
  case sysNice = 23
  case perfmon = 38
  case bpf = 39

  /// The kernel's name.
  public var name: String {
    switch self {
    case .netAdmin: "CAP_NET_ADMIN"
    case .netRaw: "CAP_NET_RAW"
    case .ipcLock: "CAP_IPC_LOCK"
    case .sysAdmin: "CAP_SYS_ADMIN"
    case .sysNice: "CAP_SYS_NICE"
    case .perfmon: "CAP_PERFMON"
    case .bpf: "CAP_BPF"
    }
  }

  /// Those in the calling thread's effective set.
  public static var held: Set<Capability> {
    Set(allCases.filter { cxsk_has_capability($0.rawValue) })
  }
}
