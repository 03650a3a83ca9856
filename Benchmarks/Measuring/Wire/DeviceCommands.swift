import Foundation
import XSKEngine

/// How devices under test are started, word by word.
enum DeviceCommands {
  /// The program that was built beside this one.
  static func xskfwd() throws(XSKError) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("xskfwd").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw XSKError(path, "not there", remedy: "build it beside xskbench: swift build -c release --product xskfwd")
    }
    // As it is typed from here, if it is below.
    let here = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }

  static func ours(_ mode: DeviceKind.Ours, cpu: Int) throws(XSKError) -> [String] {
    let words =
      switch mode {
      case .drop: ["drop", "a0"]
      case .forward: ["forward", "a0", "b0"]
      case .gro: ["forward", "a0", "b0", "--gro", "chain"]
      case .reflect: ["reflect", "a0"]
      }
    return [try xskfwd()] + words + ["--cores", "\(cpu)", "--idle", "spin", "--control", "off", "--interval", "3600"]
  }

  /// - Parameter main: the CPU of its main thread, which only waits.
  static func testpmd(_ mode: DeviceKind.Testpmd, cpu: Int, main: Int) -> [String] {
    let devices = mode == .rxonly ? ["a0"] : ["a0", "b0"]
    return ["dpdk-testpmd", "-l", "\(main),\(cpu)", "--main-lcore", "\(main)", "--no-huge", "-m", "512", "--no-pci"]
      + ["--no-telemetry", "--no-shconf", "-v"]
      + devices.enumerated().flatMap { ["--vdev", "net_af_xdp\($0),iface=\($1)"] }
      + [
        "--", "--forward-mode=\(mode.rawValue)", "--nb-cores=1", "--burst=64", "--total-num-mbufs=32768",
        "--auto-start", "--stats-period=100",
      ]
  }

  /// What makes the kernel a bridge between the two ports. The frames' destination is known, so none is flooded.
  static func bridge(target: String) -> [[String]] {
    [
      "ip link add br0 type bridge", "ip link set a0 master br0", "ip link set b0 master br0",
      "ip link set br0 type bridge mcast_snooping 0", "ip link set br0 up",
      "bridge fdb add \(target) dev b0 master static",
    ].map(words)
  }

  /// What makes the kernel a router between them.
  static func route(target: String) -> [[String]] {
    [
      "ip address add 198.51.100.254/24 dev a0", "ip address add 192.0.2.1/24 dev b0",
      "ip neighbour add 192.0.2.2 lladdr \(target) dev b0 nud permanent", "ip route add 203.0.113.0/24 via 192.0.2.2",
    ].map(words) + [["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]]
  }

  private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}
