import Foundation
import Glibc
import Testing

@testable import XSKEngine
@testable import XSKLab

extension OnVeth {
  /// Devices that are to take packets to other stations' MAC addresses. A veth takes any; what the kernel counts is whether a
  /// NIC would be told to.
  @Suite("Promiscuous mode") struct Promiscuity {
    @Test func `an engine's device is in promiscuous mode while it runs, also after it was made anew`() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.ports[0].isPromiscuous = true
      let engine = try lab.forward(configuration)
      #expect(try lab.middle.promiscuity(of: "m0") == 1)
      #expect(try lab.middle.promiscuity(of: "m1") == 0, "nobody asked for it")
      try lab.left.delete("l0")
      #expect(engine.says("m0: link is gone"))
      try lab.connectLeft()
      #expect(engine.says("m0 queue 0: back"))
      #expect(try lab.middle.promiscuity(of: "m0") == 1)
      engine.setPromiscuous(false, port: 0)
      engine.setPromiscuous(true, port: 1)
      #expect(
        try eventually { try lab.middle.promiscuity(of: "m0") == 0 && lab.middle.promiscuity(of: "m1") == 1 })
      engine.finish()
      #expect(try lab.middle.promiscuity(of: "m1") == 0)
    }

    @Test(arguments: [([], 1), (["--no-promiscuous"], 0)] as [([String], Int)])
    func `xskfwd forward is a cable unless it is told otherwise`(options: [String], count: Int) throws {
      let run = try OperatedRun(nil, ["--json"] + options)
      for device in ["m0", "m1"] { #expect(try run.lab.middle.promiscuity(of: device) == count) }
      try run.stop()
      for device in ["m0", "m1"] { #expect(try run.lab.middle.promiscuity(of: device) == 0) }
    }

    @Test func `a bridge's ports take all packets, and a reload changes that`() throws {
      let lab = try RoutedLab(hasRouter: false)
      let bridge = RoutedLab.bridging(["{name: all, then: {forward: wan}}"])
      let run = try PolicyProcess(in: lab.middle, bridge)
      func counts() throws -> [Int] { try ["m0", "m1"].map { try lab.middle.promiscuity(of: $0) } }
      #expect(try counts() == [1, 1])
      let oneSided = bridge.replacingOccurrences(of: "{device: m0", with: "{promiscuous: false, device: m0")
      try #require(oneSided != bridge)
      #expect(try run.reload(oneSided).succeeded)
      #expect(try eventually { try counts() == [0, 1] })
      #expect(try run.reload(bridge).succeeded)
      #expect(try eventually { try counts() == [1, 1] })
      run.process.signal(SIGKILL)
      #expect(try run.process.wait() == .killed(signal: SIGKILL))
      #expect(try eventually { try counts() == [0, 0] }, "the kernel forgets who has died")
    }

    @Test func `a router's ports don't, unless the file says so`() throws {
      let lab = try RoutedLab(hasRouter: false)
      let router = RoutedLab.bridging([
        "{name: some, match: {dport: 9}, then: {forward: wan}}", "{name: all, then: route}",
      ])
      let run = try PolicyProcess(in: lab.middle, router)
      #expect(try lab.middle.promiscuity(of: "m0") == 0)
      let listening = router.replacingOccurrences(of: "{device: m0", with: "{promiscuous: true, device: m0")
      #expect(try run.reload(listening).succeeded)
      #expect(try eventually { try lab.middle.promiscuity(of: "m0") == 1 })
      try run.stop()
    }
  }
}

extension NetworkNamespace {
  /// How many want promiscuous mode of a device.
  func promiscuity(of device: String) throws -> Int {
    struct Link: Decodable { var promiscuity: Int }
    let shown = try run(["ip", "-d", "-j", "link", "show", "dev", device])
    return try #require(try JSONDecoder().decode([Link].self, from: Data(shown.output.utf8)).first).promiscuity
  }
}
