/// What the XDP programs decided by themselves, as the kernel counted it. None of these packets reached a socket, so none
/// is in any worker's counters; after `Engine.stop` nothing is missing.
public struct KernelCounters: Hashable, Sendable, Codable {
  public struct Count: Hashable, Sendable, Codable {
    public var packets: UInt64 = 0
    /// With Ethernet headers, without FCS.
    public var bytes: UInt64 = 0

    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
      self.packets = packets
      self.bytes = bytes
    }
  }

  /// Dropped by offloaded verdicts, by the reason's name; reasons that never occurred are left out.
  public var dropped: [String: Count] = [:]
  /// Given to an egress device by offloaded verdicts, by the port's name. What the device then had no room for, the kernel
  /// drops: it is in the device's own counters.
  public var redirected: [String: Count] = [:]
  /// Passed to the kernel's stack, by the ingress port's name and `PuntKind.name`; what never occurred is left out.
  public var punted: [String: [String: Count]] = [:]
  /// What asking for verdicts came to; nil without offload.
  public var verdicts: VerdictTable.Tally?
  /// Requests of workers that found their ring full.
  public var requestsLost: UInt64 = 0

  public init() {}

  public var droppedPackets: UInt64 { dropped.values.reduce(0) { $0 &+ $1.packets } }
  public var redirectedPackets: UInt64 { redirected.values.reduce(0) { $0 &+ $1.packets } }
  public var puntedPackets: UInt64 { punted.values.joined().reduce(0) { $0 &+ $1.value.packets } }

  /// Dropped for one of the engine's own reasons, or one that has no name.
  public func dropped(_ reason: DropReason) -> Count { dropped[reason.name] ?? Count() }
}
