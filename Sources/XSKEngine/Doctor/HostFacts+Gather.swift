import CXsk
import Glibc

extension HostFacts {
  /// Looks at the machine and this process. Makes a socket, a program and a map, and lets go of them.
  static func gather() -> HostFacts {
    HostFacts(
      kernelRelease: SmallFile.read("/proc/sys/kernel/osrelease") ?? "",
      headersVersion: versionText(cxsk_headers_version()),
      libbpfVersion: String(unsafe String(cString: cxsk_libbpf_version()).drop { $0 == "v" }),
      libxdpVersion: loadedLibxdpVersion(),
      socket: Socket.probe(),
      capabilities: Capability.held,
      lockedMemoryLimit: memoryLimit(),
      hugePages2M: HugePages(pageKiB: 2048),
      hugePages1G: HugePages(pageKiB: 1_048_576),
      hasBPFFileSystem: unsafe cxsk_is_file_system("/sys/fs/bpf", 0xcafe_4a11),  // BPF_FS_MAGIC
      bpfJIT: SmallFile.integer("/proc/sys/net/core/bpf_jit_enable"),
      loadCode: cxsk_probe_xdp_load(true),
      mapCode: cxsk_probe_xsk_map(),
      usableCPUs: usable(),
      isolatedCPUs: SmallFile.list(SmallFile.read("/sys/devices/system/cpu/isolated") ?? ""),
      nodes: cpusByNode(),
      executable: linkTarget("/proc/self/exe") ?? "xskfwd")
  }

  /// LINUX_VERSION_CODE as text.
  static func versionText(_ code: UInt32) -> String { "\(code >> 16).\(code >> 8 & 255).\(code & 255)" }

  /// What follows "libxdp.so." in the library's file name.
  static func libxdpVersion(file: String) -> String? {
    let prefix = "libxdp.so."
    guard let name = file.split(separator: "/").last, name.hasPrefix(prefix) else { return nil }
    return String(name.dropFirst(prefix.count))
  }

  private static func loadedLibxdpVersion() -> String? {
    var path = [CChar](repeating: 0, count: 4096)
    let length = unsafe cxsk_libxdp_file(&path, path.count)
    guard length > 0 else { return nil }
    return libxdpVersion(file: String(decoding: path.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  private static func memoryLimit() -> Int? {
    var limit = rlimit()
    guard unsafe getrlimit(CInt(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else { return 0 }
    return limit.rlim_cur > UInt64(Int.max) ? nil : Int(limit.rlim_cur)  // RLIM_INFINITY is all ones
  }

  private static func usable() -> [Int] {
    var cpus = [UInt32](repeating: 0, count: 1024)
    let count = unsafe cxsk_allowed_cpus(&cpus, CInt(cpus.count))
    return cpus.prefix(max(0, Int(count))).map { Int($0) }
  }

  private static func cpusByNode() -> [Int: [Int]] {
    let root = "/sys/devices/system/node"
    var nodes = [Int: [Int]]()
    for name in SmallFile.names(in: root) {
      guard name.hasPrefix("node"), let node = Int(name.dropFirst(4)),
        let list = SmallFile.read("\(root)/\(name)/cpulist")
      else { continue }
      nodes[node] = SmallFile.list(list)
    }
    return nodes
  }

  private static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = unsafe buffer.withUnsafeMutableBytes { unsafe readlink(path, $0.baseAddress!, $0.count) }
    return length > 0 ? String(decoding: buffer.prefix(length), as: UTF8.self) : nil
  }
}

extension HostFacts.HugePages {
  fileprivate init(pageKiB: Int) {
    let pool = "/sys/kernel/mm/hugepages/hugepages-\(pageKiB)kB"
    self.init(
      total: SmallFile.integer("\(pool)/nr_hugepages") ?? 0, free: SmallFile.integer("\(pool)/free_hugepages") ?? 0)
  }
}

extension HostFacts.Socket {
  /// Makes an AF_XDP socket that is never bound, and tries the options that kernels learnt later.
  fileprivate static func probe() -> Self {
    let fd = socket(CXSK_AF_XDP, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else {
      let code = errno
      return Self(code: code, hasMultiBuffer: false, hasTransmitBudget: false, busyPollCode: code)
    }
    defer { close(fd) }
    var facts = Self()
    facts.hasMultiBuffer = cxsk_probe_bind_flags(fd, CXSK_BIND_SG) == 0
    // A kernel that knows the option refuses it for lack of a TX ring (EACCES), another as unknown (ENOPROTOOPT).
    facts.hasTransmitBudget = set(fd, CXSK_SOL_XDP, XDP_MAX_TX_SKB_BUDGET, 32) != ENOPROTOOPT
    let options: [(CInt, CInt)] = [(SO_PREFER_BUSY_POLL, 1), (SO_BUSY_POLL, 20), (SO_BUSY_POLL_BUDGET, 64)]
    facts.busyPollCode = options.lazy.map { set(fd, SOL_SOCKET, $0.0, $0.1) }.first { $0 != 0 } ?? 0
    return facts
  }

  /// 0 or an errno.
  private static func set(_ fd: CInt, _ level: CInt, _ option: CInt, _ value: CInt) -> CInt {
    var value = value
    return unsafe setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 ? 0 : errno
  }
}
