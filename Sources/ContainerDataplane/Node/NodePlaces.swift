/// Where a node's files are: all below two directories, so that several nodes can be tried beside each other.
public struct NodePlaces: Hashable, Sendable {
  public static let standardRunDirectory = "/run/xskd"
  public static let standardBPFDirectory = "/sys/fs/bpf/xskd"

  /// State, sockets.
  public let runDirectory: String
  /// Pinned maps and links of tenants; on a bpffs.
  public let bpfDirectory: String

  public init(runDirectory: String = Self.standardRunDirectory, bpfDirectory: String = Self.standardBPFDirectory) {
    self.runDirectory = runDirectory
    self.bpfDirectory = bpfDirectory
  }

  /// All tenants, for a restarted daemon and for the dataplane.
  public var stateFile: String { "\(runDirectory)/state.json" }
  /// The daemon's API.
  public var socket: String { "\(runDirectory)/xskd.sock" }
  /// The dataplane's control socket.
  public var dataplaneControl: String { "\(runDirectory)/dataplane.control" }
  /// A directory for each tenant, which is what is mounted into its container.
  public var tenantsDirectory: String { "\(runDirectory)/tenants" }

  public func directory(of id: String) -> String { "\(tenantsDirectory)/\(id)" }
  public func socket(of id: String) -> String { "\(directory(of: id))/afxdp.sock" }
  public func pins(of id: String) -> String { "\(bpfDirectory)/\(id)" }

  /// The number that the host's ends of this node's veths carry from the moment they exist (`ip link show group N`): what has
  /// it and is no tenant's is a leftover.
  public var deviceGroup: UInt32 {
    let hash = runDirectory.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return 0x7800_0000 | hash & 0x00ff_ffff
  }
}
