/// What the doctor knows about the machine and this process, apart from what it thinks of it.
struct HostFacts: Sendable {
  /// Whether an AF_XDP socket could be made, and which of its newer options the kernel has.
  struct Socket: Sendable {
    /// 0, or why there is no socket.
    var code: CInt = 0
    /// XDP_USE_SG.
    var hasMultiBuffer = true
    /// XDP_MAX_TX_SKB_BUDGET.
    var hasTransmitBudget = true
    /// 0 if all busy-poll options were accepted, else why the first of them was not.
    var busyPollCode: CInt = 0
  }

  struct HugePages: Hashable, Sendable {
    var total: Int
    var free: Int
  }

  /// "6.18.44", and its first two numbers.
  var kernelRelease: String
  /// "6.1.192".
  var headersVersion: String
  /// "1.1".
  var libbpfVersion: String
  /// nil if the loaded file's name does not end in it.
  var libxdpVersion: String?
  var socket: Socket
  var capabilities: Set<Capability>
  /// RLIMIT_MEMLOCK in bytes; nil: unlimited.
  var lockedMemoryLimit: Int?
  var hugePages2M: HugePages
  var hugePages1G: HugePages
  var hasBPFFileSystem: Bool
  /// net.core.bpf_jit_enable; nil: not visible in the calling thread's namespace.
  var bpfJIT: Int?
  /// 0, or why an XDP program that declares fragments was not loaded.
  var loadCode: CInt
  /// 0, or why an XSKMAP was not made.
  var mapCode: CInt
  /// CPUs that the calling thread may run on, and those that the scheduler leaves alone.
  var usableCPUs: [Int]
  var isolatedCPUs: [Int]
  /// CPUs of each NUMA node.
  var nodes: [Int: [Int]]
  /// This program's file.
  var executable: String

  /// Whether the kernel is at least this version.
  func isKernel(atLeast major: Int, _ minor: Int) -> Bool {
    let numbers = kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    guard numbers.count == 2 else { return false }
    return (numbers[0], numbers[1]) >= (major, minor)
  }
}
