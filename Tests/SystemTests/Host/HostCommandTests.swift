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
      try #require(child.waitForOutput("running"), "\(child.output) \(child.errors)")
      #expect(child.output.hasPrefix("tap0: 02:00:00:00:07:02, MTU 1500, offloads checksum tcp4 tcp6 ecn udp\n"))
      try lab.giveAddresses()
      #expect(try lab.isPassing())
      let tap = try lab.host.link("tap0")
      #expect(tap.mtu == 1500 && tap.address == "02:00:00:00:07:02")
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.host, address: "10.7.0.2", bytes: 1_000_000)
      #expect(transfer.isIntact)
      child.signal(signal)
      let status = try child.wait()
      #expect(status == (signal == SIGKILL ? .killed(signal: SIGKILL) : .exited(0)))
      #expect(try eventually { try !lab.has("tap0") })
      if signal != SIGKILL { #expect(child.output.contains("every packet and every frame is accounted for")) }
      #expect(try eventually { try lab.host.run { try NetworkDevice(named: "h0").program } == nil })
    }

    @Test("the summary object has the command and both ports, and is all of standard output")
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
        Wrong(arguments: ["h0", "--tap", "all"], message: "TAP device all: the kernel keeps this name"),
        Wrong(arguments: ["h0", "--tap", "default"], message: "; choose another name, as tap0"),
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
      #expect(!result.output.contains("tap0"), "what did not start is not introduced")
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
      // The interval is of no importance, and neither is the form of the output.
      let child = try lab.host.start([Self.program, "host", "h0", "--tap", "tap0", "--interval", "3600", "--json"])
      try #require(try eventually { try lab.host.run { try NetworkDevice(named: "h0").program } != nil })
      try lab.giveAddresses()
      #expect(try lab.isPassing())
      try lab.ip("link", "del", "tap0")
      #expect(try child.wait() == .exited(1))
      #expect(child.errors.contains("TAP device tap0: was removed by somebody else"))
      #expect(child.output.hasPrefix("{") && child.output.contains(#""delivered":"#), "\(child.output)")
      #expect(try lab.host.run { try NetworkDevice(named: "h0").program } == nil)
    }

    @Test("a device that is gone does not keep the worker awake")
    func sleepsWithoutDevice() throws {
      let lab = try HostLab()
      let tap = try lab.makeTap()
      var configuration = lab.configuration
      configuration.worker.idle = .sleep
      let engine = try lab.start(tap, configuration)
      #expect(try lab.isPassing())
      try lab.ip("link", "del", "tap0")
      #expect(eventually { tap.isGone })
      let before = try engine.counters.snapshot().total(.polls)
      usleep(500_000)
      // Asleep it wakes up some ten times a second; a dead descriptor in poll(2) makes that ten thousands.
      #expect(try engine.counters.snapshot().total(.polls) - before < 500)
      engine.finish()
    }

    @Test("a summary object that can't be written is a failure, not wrong use")
    func unwritable() throws {
      let lab = try HostLab()
      let words = "\(Self.program) host h0 --tap tap0 --duration 0.2 --json > /dev/full"
      let result = try lab.host.run(["sh", "-c", words])
      #expect(result.status == .exited(1) && result.errors.contains("the JSON object can't be written"))
    }

    @Test("a neighbour that leaves checksums unfinished is told about")
    func unfinished() throws {
      let lab = try HostLab(keepsOffloads: true)
      let child = try lab.host.start([Self.program, "host", "h0", "--tap", "tap0"])
      try #require(child.waitForOutput("running"), "\(child.output) \(child.errors)")
      #expect(child.errors.contains("which the host's stack will refuse"), "\(child.errors)")
      #expect(child.errors.contains("ethtool -K"))
      child.signal(SIGINT)
      #expect(try child.wait() == .exited(0))
    }
  }
}
