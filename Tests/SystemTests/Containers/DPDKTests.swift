import Foundation
import Testing
import XSKLab

extension OnVeth {
  /// An unmodified dpdk-testpmd (DPDK 24.11 of Debian 13, made by scripts/dpdk-root) as a tenant: it makes its own socket, so
  /// its container must allow CAP_NET_RAW and CAP_IPC_LOCK (or locked memory), and gets the XSKMAP from the daemon.
  @Suite struct DPDKTests {
    private static let root =
      ProcessInfo.processInfo.environment["XSK_DPDK_ROOT"] ?? "/var/cache/swift-xsk/dpdk"

    /// - Parameter path: where the attachment's directory is mounted; nil: where DPDK looks for it unasked.
    @Test(arguments: [nil, "/run/xskd"])
    func `dpdk-testpmd receives packets through the device plugin's protocol, and answers`(path: String?) throws {
      try #require(
        FileManager.default.isExecutableFile(atPath: Self.root + "/usr/bin/dpdk-testpmd"),
        "no DPDK in \(Self.root); run scripts/dpdk-root")
      let lab = try TenantLab()
      let server = try lab.serve()
      let guest = lab.guests[0]
      let child = try start(guest, in: path ?? "/tmp/afxdp_dp/eth0", option: path.map { ",dp_path=\($0)/afxdp.sock" })
      try #require(
        child.waitForOutput("packet forwarding packets/burst"), "\(child.output) \(child.errors)"
      )
      // testpmd's icmpecho mode answers ARP and pings; the container's stack no longer gets any.
      #expect(try guest.namespace.run(["sysctl", "-w", "net.ipv4.icmp_echo_ignore_all=1"]).succeeded)
      #expect(try lab.isAnswering(guest))
      #expect(try Ping.run(from: lab.node, to: guest.address, count: 20).isComplete)
      child.signal(SIGINT)
      _ = try child.wait()
      #expect(child.output.contains("RX-packets: 2"), "\(child.output.suffix(2000))")
      #expect(server.process.isRunning)
      // DPDK tries to take the program off on its way out; it is pinned.
      #expect(try lab.program(of: guest) != nil)
    }

    private func start(_ guest: TenantLab.Guest, in folder: String, option: String?) throws -> ChildProcess {
      let directory = String(guest.path.dropLast("/afxdp.sock".count))
      // Mounts of the guest's own, which go with it.
      let mounts = """
        set -e
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount -t tmpfs tmpfs "$1/run"
        mount -t tmpfs tmpfs "$1/tmp"
        mkdir -p "$1$3"
        mount --bind -o ro "$2" "$1$3"
        """
      let result = try guest.namespace.run(["sh", "-c", mounts, "sh", Self.root, directory, folder])
      try #require(result.succeeded, "\(result.errors)")
      return try guest.namespace.start([
        "chroot", Self.root, "setpriv", "--bounding-set=-all,+net_raw,+ipc_lock",
        "--inh-caps=-all", "--no-new-privs", "dpdk-testpmd", "-l", "0,1", "--no-huge", "-m", "256", "--no-pci",
        "--no-shconf", "--no-telemetry", "--vdev", "net_af_xdp0,iface=eth0,use_cni=1\(option ?? "")", "--",
        "--forward-mode=icmpecho", "--stats-period", "1", "--no-mlockall", "--total-num-mbufs=20000", "--auto-start",
      ])
    }
  }
}
