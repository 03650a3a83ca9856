import CXsk
import ContainerDataplane
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  @Suite struct HostileTenantTests {
    @Test func `a tenant that does what it can harms nobody but itself`() throws {
      let lab = try TenantLab(guests: 2)
      let server = try lab.serve()
      let victim = try lab.guests[1].startEcho()
      let before = try #require(server.footprint())
      let hostile = try lab.guests[0].start([BuiltPrograms.testTenants, "hostile", lab.guests[0].path])
      // Packets for it, to meet its rings; nobody cares what becomes of them.
      let sender = try RawEnd(in: lab.node, "xskt0")
      var (sent, received, rounds) = (0, 0, 0)
      while hostile.isRunning, rounds < 600 {
        _ = sender.send(NumberedFrame.series(32))
        let ping = try Ping.run(from: lab.node, to: lab.guests[1].address, count: 5, timeout: .seconds(2))
        (sent, received, rounds) = (sent + ping.sent, received + ping.received, rounds + 1)
      }
      #expect(try hostile.wait() == .exited(0), "\(hostile.output) \(hostile.errors)")
      #expect(!hostile.output.contains("HARM") && hostile.output.contains("hostile"), "\(hostile.output)")
      // Its neighbour never felt it.
      #expect(received == sent && sent > 0 && victim.isRunning)
      // Neither did the daemon: as much memory and as many descriptors as a few connections take, and none afterwards.
      #expect(server.process.isRunning)
      let most = server.footprints.map(\.memoryKiB).max() ?? 0
      #expect(most < before.memoryKiB + 16 << 10, "\(before) \(most)")
      #expect((server.footprints.map(\.descriptors).max() ?? 0) < before.descriptors + 32)
      let isOver = eventually { server.footprints.last?.descriptors == before.descriptors }
      #expect(isOver)
      // It serves them both as ever, once the processes that the hostile one left have ended.
      #expect(try lab.guests[1].ask(["/version"]) == ["0.1"])
      let isFree = try eventually {
        try lab.guests[0].lend("/xsk_socket").hasPrefix("/xsk_socket_ack")
      }
      #expect(isFree)
    }
  }
}
