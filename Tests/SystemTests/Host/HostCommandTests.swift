import Forwarder
import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// `xskfwd host` as an operator calls it.
  @Suite("xskfwd host") struct HostCommand {
    static let program = BuiltPrograms.xskfwd

    @Test("it says what is on, moves packets, and Ctrl-C removes the tap", arguments: [SIGINT, SIGTERM, SIGKILL])
    func stops(signal: Int32) throws {
      let lab = try HostLab()
      let child = try lab.host.start([Self.program, "host", "h0", "--tap", "tap0", "--interval", "0.2"])
      try #require(child.waitForOutput("running", timeout: .seconds(10)), "\(child.output) \(child.errors)")
      #expect(child.output.hasPrefix("tap0: 02:00:00:00:07:02, MTU 1500, offloads checksum tcp4 tcp6 ecn udp\n"))
      try lab.giveAddresses()
      #expect(try lab.isPassing())
      let tap = try lab.host.link("tap0")
      #expect(tap.mtu == 1500 && tap.address == "02:00:00:00:07:02")
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.host, address: "10.7.0.2", bytes: 1_000_000)
      #expect(transfer.isIntact)
      child.signal(signal)
      let status = try child.wait(timeout: .seconds(10))
      #expect(status == (signal == SIGKILL ? .killed(signal: SIGKILL) : .exited(0)))
      #expect(try eventually { try !lab.has("tap0") })
      if signal != SIGKILL { #expect(child.output.contains("every packet and every frame is accounted for")) }
      #expect(try eventually { try lab.host.run { try NetworkDevice(named: "h0").program } == nil })
    }

    @Test("the summary object has both ports, and what the host refused")
    func summary() throws {
      let lab = try HostLab()
      let result = try lab.host.run(
        [Self.program, "host", "h0", "--tap", "tap0", "--gro", "off", "--duration", "0.5", "--json"])
      #expect(result.succeeded)
      #expect(result.output.contains(#""command":"host h0 --tap tap0 --gro off""#))
      #expect(result.output.contains(#""mode":"local","name":"tap0""#))
      #expect(!result.output.contains("offloads"), "one object and nothing else")
      #expect(try !lab.has("tap0"))
    }

    struct Wrong: CustomTestStringConvertible, Sendable {
      var arguments: [String]
      var message: String
      var testDescription: String { arguments.joined(separator: " ") }
    }

    @Test(
      arguments: [
        Wrong(arguments: ["h0"], message: "--tap"),
        Wrong(arguments: ["nosuch", "--tap", "tap0"], message: "nosuch: no such interface"),
        Wrong(arguments: ["h0", "--tap", "h0"], message: "TAP device h0: there is an interface of that name already"),
        Wrong(arguments: ["h0", "--tap", "t0"], message: "TAP device t0: there is an interface of that name already"),
        Wrong(
          arguments: ["h0", "--tap", "sixteen-letters-"],
          message: "TAP device sixteen-letters-: its name has 16 characters"),
        Wrong(arguments: ["h0", "--tap", ""], message: "TAP device \"\": not a name"),
        Wrong(arguments: ["h0", "--tap", "tap%d"], message: "TAP device \"tap%d\": not a name"),
        Wrong(arguments: ["h0", "--tap", "a b"], message: "TAP device \"a b\": not a name"),
        Wrong(arguments: ["h0", "--tap", "a/b"], message: "TAP device \"a/b\": not a name"),
        Wrong(arguments: ["h0", "--tap", "tap0", "--gro", "maybe"], message: "maybe"),
        Wrong(
          arguments: ["lo", "--tap", "tap0"],
          message: "TAP device tap0: can't have the MAC address of an interface that has none"),
        Wrong(arguments: ["h0", "--tap", "tap0", "--queues", "9"], message: "h0 queue 9: out of range"),
      ])
    func refuses(_ wrong: Wrong) throws {
      let lab = try HostLab()
      // One that persists, as other programs make them: it is not to be taken over.
      try lab.ip("tuntap", "add", "t0", "mode", "tap", "multi_queue", "vnet_hdr")
      let result = try lab.host.run([Self.program, "host"] + wrong.arguments)
      #expect(result.status == .exited(2))
      #expect(result.errors.contains(wrong.message), "\(result.errors)")
      #expect(try !lab.has("tap0"))
      #expect(try lab.has("t0") && lab.host.run { try NetworkDevice(named: "h0").program } == nil)
    }

    @Test("without CAP_NET_ADMIN, or without /dev/net/tun, it says what to do")
    func means() throws {
      let lab = try HostLab()
      let words = [Self.program, "host", "h0", "--tap", "tap0"]
      let bare = try lab.host.run(["setpriv", "--bounding-set", "-net_admin"] + words)
      #expect(bare.status == .exited(2))
      #expect(bare.errors.contains("TAP device tap0: cannot be made"), "\(bare.errors)")
      #expect(bare.errors.contains("CAP_NET_ADMIN"))
      let hidden = "mount -t tmpfs none /dev/net && exec \(words.joined(separator: " "))"
      let without = try lab.host.run(["unshare", "-m", "sh", "-c", hidden])
      #expect(without.status == .exited(2))
      #expect(without.errors.contains("/dev/net/tun: cannot be opened"), "\(without.errors)")
      #expect(without.errors.contains("modprobe tun"))
    }

    @Test("a tap that somebody else removes ends the run with status 1, and the interface is given back")
    func removed() throws {
      let lab = try HostLab()
      let child = try lab.host.start([Self.program, "host", "h0", "--tap", "tap0", "--interval", "0.1"])
      try #require(child.waitForOutput("running", timeout: .seconds(10)), "\(child.output) \(child.errors)")
      try lab.ip("link", "del", "tap0")
      #expect(try child.wait(timeout: .seconds(10)) == .exited(1))
      #expect(child.errors.contains("TAP device tap0: was removed by somebody else"))
      #expect(try lab.host.run { try NetworkDevice(named: "h0").program } == nil)
    }

    @Test("a neighbour that leaves checksums unfinished is told about")
    func unfinished() throws {
      let lab = try HostLab(keepsOffloads: true)
      let child = try lab.host.start([Self.program, "host", "h0", "--tap", "tap0"])
      try #require(child.waitForOutput("running", timeout: .seconds(10)), "\(child.output) \(child.errors)")
      #expect(child.errors.contains("which the host's stack will refuse"), "\(child.errors)")
      #expect(child.errors.contains("ethtool -K"))
      child.signal(SIGINT)
      #expect(try child.wait(timeout: .seconds(10)) == .exited(0))
    }
  }
}
