import CXsk

/// How many verdicts userspace may have the XDP program carry out; see `VerdictTable`.
public struct OffloadConfiguration: Hashable, Sendable {
  /// Verdicts on flows at one time, IPv4 and IPv6 together; 0: none. About 100 bytes of kernel memory each, twice: each
  /// version of IP has a table of this size.
  public var flows: Int
  /// Verdicts on source addresses at one time; as `flows`.
  public var sources: Int
  /// Requests that a worker can have waiting for the control plane: a power of two.
  public var requests: Int

  public init(flows: Int = 16_384, sources: Int = 16_384, requests: Int = 1024) {
    self.flows = flows
    self.sources = sources
    self.requests = requests
  }

  static let most = 1 << 22

  func validate() throws(XSKError) {
    for (what, count) in [("flows", flows), ("sources", sources)] where !(0...Self.most).contains(count) {
      throw XSKError("verdicts on \(count) \(what)", "out of range", remedy: "allow 0 to \(Self.most)")
    }
    guard flows + sources > 0 else {
      throw XSKError("verdict offload", "neither flows nor sources are allowed", remedy: "allow some, or switch it off")
    }
    guard (2...65_536).contains(requests), requests & (requests - 1) == 0 else {
      throw XSKError("\(requests) offload requests", "not a power of two from 2 to 65,536", remedy: "take 1024")
    }
  }

  /// - Parameter answer: of `cxsk_coarse_time_is_there`.
  static func checkKernel(_ answer: CInt) throws(XSKError) {
    guard answer >= 0 else {
      throw XSKError(
        "verdict offload", refused: "the kernel can't be asked whether it can do that", code: answer,
        remedy: "run as root, or grant CAP_NET_ADMIN and CAP_BPF")
    }
    guard answer == 1 else {
      throw XSKError(
        "verdict offload", "this kernel has no bpf_ktime_get_coarse_ns",
        remedy: "use Linux 5.11 or later, or switch it off")
    }
  }

  /// As a program reads it.
  var bits: UInt32 {
    UInt32((flows > 0 ? XSK_VERDICTS_FLOWS : 0) | (sources > 0 ? XSK_VERDICTS_SOURCES : 0))
  }
}
