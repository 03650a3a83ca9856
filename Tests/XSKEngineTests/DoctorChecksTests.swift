import Glibc
import Testing

@testable import XSKEngine

/// One thing wrong with an otherwise ideal machine or device, and what the doctor must say about it.
struct Ailment: Sendable, CustomTestStringConvertible {
  let check: String
  let status: Finding.Status
  /// Part of the detail, and all of the remedy.
  let detail: String
  let remedy: String?
  let device: NetworkDevice?
  let host: HostFacts
  let requirements: Requirements

  /// An ailment of the machine.
  init(
    _ check: String, _ status: Finding.Status, _ detail: String, _ remedy: String?,
    _ requirements: Requirements = Requirements(), host change: (inout HostFacts) -> Void = { _ in }
  ) {
    (self.check, self.status, self.detail, self.remedy) = (check, status, detail, remedy)
    self.requirements = requirements
    var host = HostFacts.ideal
    change(&host)
    self.host = host
    device = nil
  }

  /// An ailment of a device.
  init(
    _ check: String, _ status: Finding.Status, _ detail: String, _ remedy: String?, on device: NetworkDevice,
    _ requirements: Requirements = Requirements(), device change: (inout NetworkDevice) -> Void = { _ in },
    host changeHost: (inout HostFacts) -> Void = { _ in }
  ) {
    (self.check, self.status, self.detail, self.remedy) = (check, status, detail, remedy)
    self.requirements = requirements
    var host = HostFacts.ideal
    changeHost(&host)
    self.host = host
    var changed = device
    change(&changed)
    self.device = changed
  }

  var testDescription: String { "\(check): \(detail)" }

  var findings: [Finding] {
    HostChecks(host: host).findings + PrivilegeChecks(host: host, requirements: requirements).findings
      + [PlacementChecks(host: host, requirements: requirements).cores]
      + (device.map { DeviceChecks(device: $0, host: host, requirements: requirements).findings } ?? [])
  }
}

@Suite("The doctor's judgement")
struct DoctorChecksTests {
  static let grant = "sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock+ep /usr/bin/xskfwd"

  @Test func `an ideal machine with an ideal device is as good as it gets`() {
    let findings = Ailment("", .ok, "", nil, on: .ideal).findings
    #expect(findings.filter { $0.status != .ok } == [])
    #expect(findings.first { $0.check == "mode" }?.detail == "zerocopy")
    #expect(findings.first { $0.check == "RX metadata" }?.detail == "hash vlan-tag")
    #expect(Set(findings.map(\.check)).count == findings.count)
  }

  static let machine: [Ailment] = [
    Ailment("kernel", .failed, "5.10.0 is too old", "boot a newer kernel (Debian: apt-get install linux-image-amd64)") {
      $0.kernelRelease = "5.10.0"
    },
    Ailment("AF_XDP", .failed, "this kernel has none", "use a kernel built with CONFIG_XDP_SOCKETS=y") {
      $0.socket.code = EAFNOSUPPORT
    },
    Ailment("AF_XDP", .failed, "not permitted", grant) { $0.socket.code = EPERM },
    Ailment("multi-buffer", .limited, "unknown", grant) { $0.socket.code = EPERM },
    Ailment(
      "multi-buffer", .limited, "dropped", "boot kernel 6.6 or later, or keep the MTU below the frame size"
    ) { $0.socket.hasMultiBuffer = false },
    Ailment("TX budget", .limited, "32 packets", "boot kernel 6.17 or later") { $0.socket.hasTransmitBudget = false },
    Ailment("busy poll", .limited, "Operation not permitted", grant) { $0.socket.busyPollCode = EPERM },
    Ailment("libxdp", .ok, "version unknown", nil) { $0.libxdpVersion = nil },
    Ailment("BPF JIT", .limited, "interpreted", "sysctl -w net.core.bpf_jit_enable=1") { $0.bpfJIT = 0 },
    Ailment("BPF JIT", .ok, "not visible", nil) { $0.bpfJIT = nil },
    Ailment("bpffs", .limited, "not mounted", "mount -t bpf bpf /sys/fs/bpf") { $0.hasBPFFileSystem = false },
    Ailment("capabilities", .failed, "lacks CAP_NET_RAW (to make AF_XDP sockets)", grant) {
      $0.capabilities.remove(.netRaw)
    },
    Ailment("capabilities", .failed, "CAP_NET_RAW (to make AF_XDP sockets), CAP_NET_ADMIN (", grant) {
      $0.capabilities = [.bpf]
    },
    Ailment("capabilities", .ok, "CAP_SYS_ADMIN", nil) { $0.capabilities.subtract([.bpf, .perfmon]) },
    Ailment("capabilities", .limited, "lacks CAP_PERFMON (to load", grant) {
      $0.capabilities = [.netRaw, .netAdmin, .bpf, .ipcLock]
    },
    Ailment("BPF load", .failed, "XDP program: Invalid argument", "boot kernel 5.18 or later") {
      $0.loadCode = -EINVAL
    },
    Ailment(
      "BPF load", .failed, "XSKMAP: Operation not permitted",
      "ask outside any container, and read: cat /sys/kernel/security/lockdown"
    ) { $0.mapCode = -EPERM },
    Ailment("BPF load", .failed, "XDP program: Operation not permitted", grant) {
      $0.loadCode = -EPERM
      $0.capabilities = []
    },
    Ailment("locked memory", .failed, "8192 KiB of memory, and the UMEM is 16384 KiB", memlock) {
      $0.capabilities.remove(.ipcLock)
    },
    Ailment("locked memory", .ok, "unlimited", nil) {
      $0.capabilities.remove(.ipcLock)
      $0.lockedMemoryLimit = nil
    },
    Ailment("huge pages", .limited, "2 MiB: 7 of 10 free", "sysctl -w vm.nr_hugepages=11") {
      $0.hugePages2M = .init(total: 10, free: 7)
    },
    Ailment("huge pages", .ok, "1 GiB: 1 of 1 free", nil) {
      $0.hugePages2M = .init(total: 0, free: 0)
      $0.hugePages1G = .init(total: 1, free: 1)
    },
    Ailment("CPUs", .limited, "only CPU 0", "give the machine or container a second CPU") { $0.usableCPUs = [0] },
    Ailment(
      "CPUs", .ok, "none isolated", "for steady latency boot with: isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3"
    ) { $0.isolatedCPUs = [] },
    Ailment(
      "CPUs", .failed, "it may on 0-3", "choose among 0-3, or: taskset -c 9 COMMAND", Requirements(cores: [1, 9])),
  ]
  static let memlock = "sudo prlimit --pid $$ --memlock=unlimited"

  static let devices: [Ailment] = [
    Ailment("link", .limited, "switched off", "ip link set dev eth0 up", on: .ideal) { $0.isUp = false },
    Ailment(
      "link", .limited, "no carrier", "ip netns exec blue ip link set dev veth1 up", on: .veth
    ) { $0.isRunning = false },
    Ailment(
      "queues", .failed, "out of range (it has queues 0 to 3)",
      "choose queues 0 to 3, or add queues: ethtool -L eth0 combined 8", on: .ideal, Requirements(queues: [0, 4])),
    Ailment(
      "queues", .failed, "out of range (it has queue 0)", "choose queue 0", on: .veth, Requirements(queues: [-1])),
    Ailment("sockets", .failed, "busy (another socket is bound", "stop it or choose another queue", on: .ideal) {
      $0.boundQueues = [3]
    },
    Ailment(
      "queues", .limited, "packets of the others would go past", "ethtool -L eth0 combined 1000", on: .ideal
    ) {
      $0.driver = "virtio_net"
      $0.queues.maximumReceive = 1000
    },
    Ailment("queues", .ok, "RX 4, TX 4", nil, on: .ideal) {
      $0.driver = "virtio_net"
      $0.queues.maximumReceive = 4
    },
    Ailment("queues", .ok, "RX 4, TX 4", nil, on: .ideal, Requirements(queues: [0])) {
      $0.driver = "virtio_net"
      $0.queues.maximumReceive = 1000
    },
    Ailment("sockets", .ok, "no queue is taken", nil, on: .ideal, Requirements(queues: [0, 1])) {
      $0.boundQueues = [3]
    },
    Ailment(
      "mode", .limited, "copy: driver veth has no zero-copy", "use a device whose driver has AF_XDP zero-copy",
      on: .veth),
    Ailment("mode", .ok, "generic", nil, on: .veth, Requirements(mode: .generic)),
    Ailment("mode", .ok, "copy", nil, on: .veth, Requirements(mode: .copy)),
    Ailment(
      "mode", .failed, "not possible: driver veth has no zero-copy", "choose --mode auto, which takes copy", on: .veth,
      Requirements(mode: .zerocopy)),
    Ailment(
      "mode", .limited, "generic: veth0 has fewer RX queues (1) than its peer has TX queues (2)",
      "ip netns exec blue ethtool -L veth1 tx 1", on: .veth
    ) { $0.peer?.transmitQueues = 2 },
    Ailment(
      "mode", .limited, "generic: driver ice has no native XDP", "use a device whose driver has native XDP", on: .ideal
    ) { $0.xdp?.features = [] },
    Ailment(
      "mode", .limited, "generic: MTU 3507 needs several buffers", "ip link set dev eth0 mtu 3506", on: .ideal
    ) {
      $0.mtu = 3507
      $0.xdp?.features.remove(.receiveFragments)
    },
    Ailment(
      "mode", .limited, "copy: MTU 9000 takes 6 frames a packet, and zero-copy of driver ice has 5",
      "ip link set dev eth0 mtu 8942", on: .ideal
    ) {
      $0.mtu = 9000
      $0.xdp?.zeroCopySegments = 5
    },
    Ailment("mode", .ok, "zerocopy", nil, on: .ideal) { $0.mtu = 9000 },
    Ailment("mode", .limited, "kernels before 6.3 cannot tell", "boot kernel 6.3 or later", on: .ideal) {
      $0.xdp = nil
    },
    Ailment("MTU", .ok, "9000: packets over 1774 bytes span several frames", nil, on: .ideal) { $0.mtu = 9000 },
    Ailment(
      "MTU", .limited, "packets over 1774 bytes are dropped",
      "ip link set dev eth0 mtu 1774, or use --chunk 4096", on: .ideal
    ) {
      $0.mtu = 1775
    } host: {
      $0.socket.hasMultiBuffer = false
    },
    Ailment(
      "XDP program", .failed, "program 7 \"other\" is attached (generic)",
      "stop its owner, or take it off: ip link set dev eth0 xdpgeneric off", on: .ideal
    ) { $0.program = AttachedProgram(id: 7, place: .generic, name: "other") },
    Ailment(
      "XDP program", .failed, "program 7 \"other\" is attached (native)",
      "stop process 4711 (xskfwd), which holds it by a BPF link (ip link can't take it off)", on: .ideal
    ) {
      $0.program = AttachedProgram(
        id: 7, place: .native, name: "other",
        holder: ProgramHolder(link: 3, process: .init(pid: 4711, name: "xskfwd")))
    },
    Ailment(
      "XDP program", .failed, "program 7 is attached (native)",
      "stop its owner, which is not seen from here, or take it off: bpftool link detach id 3 "
        + "(ip link can't: it has a BPF link)", on: .ideal
    ) { $0.program = AttachedProgram(id: 7, place: .native, name: nil, holder: ProgramHolder(link: 3)) },
    Ailment("XDP program", .ok, "others can join it", nil, on: .ideal) {
      $0.program = AttachedProgram(id: 7, place: .native, name: "xdp_dispatcher")
    },
    Ailment(
      "offloads", .limited, "lro, rx-udp-gro-forwarding on eth0",
      "ethtool -K eth0 lro off rx-udp-gro-forwarding off", on: .ideal
    ) { $0.offloads = Offloads(["rx-lro": .init(isOn: true), "rx-udp-gro-forwarding": .init(isOn: true)]) },
    Ailment(
      "offloads", .limited, "rx-gro-hw on eth0", "the driver has them fixed: use another device", on: .ideal
    ) { $0.offloads = Offloads(["rx-gro-hw": .init(isOn: true, isFixed: true)]) },
    Ailment(
      "peer offloads", .limited, "tx, tso on veth1: veth0 gets packets with unfinished checksums",
      "ip netns exec blue ethtool -K veth1 tx off tso off", on: .veth
    ) {
      $0.peer?.offloads = Offloads([
        "tx-checksum-ip-generic": .init(isOn: true), "tx-tcp6-segmentation": .init(isOn: true),
      ])
    },
    Ailment(
      "peer offloads", .limited, "in another network namespace, cannot be seen",
      "ip netns exec NAMESPACE ethtool -K veth1 tx off tso off gso off txvlan off", on: .veth
    ) {
      $0.peer?.offloads = nil
      $0.peer?.namespacePath = nil
    },
    Ailment(
      "NUMA", .limited, "on node 1 (CPUs 2-3), but workers would run on CPUs 0", "choose --cores among 2-3", on: .ideal,
      Requirements(cores: [0, 2])
    ) {
      $0.numaNode = 1
    } host: {
      $0.nodes = [0: [0, 1], 1: [2, 3]]
    },
    Ailment(
      "NUMA", .ok, "on node 1", nil, on: .ideal
    ) {
      $0.numaNode = 1
    } host: {
      $0.nodes = [0: [0, 1], 1: [2, 3]]
    },
  ]

  @Test(arguments: machine + devices)
  func `one ailment is found, with its remedy`(ailment: Ailment) throws {
    let finding = try #require(ailment.findings.first { $0.check == ailment.check })
    #expect(finding.status == ailment.status)
    #expect(finding.detail.contains(ailment.detail), "\(finding.detail)")
    #expect(finding.remedy == ailment.remedy)
    #expect((finding.error != nil) == (ailment.status == .failed))
  }

  @Test func `start-up fails in the doctor's words, and only for what must hold`() {
    let essential: Set = ["AF_XDP", "capabilities", "BPF load", "locked memory", "CPUs", "queues", "mode"]
    for ailment in Self.machine + Self.devices {
      let essentials = Preflight.essentials(ailment.device, ailment.host, ailment.requirements)
      guard ailment.status == .failed else { continue }
      let finding = essentials.first { $0.check == ailment.check }
      #expect((finding?.status == .failed) == essential.contains(ailment.check), "\(ailment.check)")
    }
    let queue = Preflight.essentials(.ideal, .ideal, Requirements(queues: [9])).compactMap(\.error)
    #expect(
      queue.map(\.description) == [
        "eth0 queue 9: out of range (it has queues 0 to 3); "
          + "choose queues 0 to 3, or add queues: ethtool -L eth0 combined 8"
      ])
  }

  @Test func `versions are compared as numbers`() {
    var host = HostFacts.ideal
    for (release, major, minor, expected) in [
      ("6.18.44-fc", 6, 6, true), ("6.6", 6, 6, true), ("6.5.9", 6, 6, false), ("10.0.0-rc1", 6, 6, true),
      ("", 0, 0, false),
    ] {
      host.kernelRelease = release
      #expect(host.isKernel(atLeast: major, minor) == expected, "\(release)")
    }
    #expect(HostFacts.versionText(0x0601c0) == "6.1.192")
    #expect(HostFacts.libxdpVersion(file: "/usr/lib/libxdp.so.1.3.0") == "1.3.0")
    #expect(HostFacts.libxdpVersion(file: "/usr/bin/xskfwd") == nil)
  }
}
