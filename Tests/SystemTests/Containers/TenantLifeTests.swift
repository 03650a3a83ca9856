import CXsk
import ContainerDataplane
import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  @Suite struct TenantLifeTests {
    @Test(arguments: [LabKernel.own, .old])
    func `a tenant that is killed leaves its queue free, and its packets to the stack`(kernel: LabKernel) throws {
      let lab = try TenantLab(kernel: kernel)
      let server = try lab.serve()
      for _ in 0..<3 {
        let echo = try lab.guests[0].startEcho()
        #expect(try lab.isAnswering(lab.guests[0]))
        echo.kill()
        // The socket left the map with it: the container's own stack answers.
        #expect(try lab.isAnswering(lab.guests[0]))
      }
      #expect(server.lines("tenant").count == 3)
    }

    @Test(arguments: [LabKernel.own, .old])
    func `when the daemon is killed traffic goes on, and the next one takes up what is pinned`(kernel: LabKernel) throws
    {
      let lab = try TenantLab(kernel: kernel)
      let first = try lab.serve()
      let echo = try lab.guests[0].startEcho()
      let program = try lab.program(of: lab.guests[0])
      try #require(program != nil)
      first.process.kill()
      #expect(try first.process.wait() == .killed(signal: SIGKILL))
      #expect(try lab.program(of: lab.guests[0]) == program)
      #expect(try Ping.run(from: lab.node, to: lab.guests[0].address, count: 10).isComplete)
      // Nobody is there to ask, and that is what is said.
      let asked = try lab.guests[0].namespace.run([BuiltPrograms.containerEcho, lab.guests[0].path, "1"])
      #expect(asked.status == .exited(2) && asked.output.contains("nobody listens there; start xskd"))
      let second = try lab.serve()
      #expect(second.lines("serving") == ["serving test.0-eth0 resumed native"])
      #expect(try lab.program(of: lab.guests[0]) == program)
      #expect(try Ping.run(from: lab.node, to: lab.guests[0].address, count: 10).isComplete)
      // While the first one has the queue, nobody else gets it; then the next one does, from the new daemon.
      #expect(try lab.guests[0].lend("/xsk_socket").hasPrefix("/xsk_socket_nak,eth0 queue 0: busy"))
      #expect(echo.isRunning)
      echo.kill()
      let other = try lab.guests[0].startEcho()
      #expect(try Ping.run(from: lab.node, to: lab.guests[0].address, count: 10).isComplete)
      other.signal(SIGKILL)
    }

    @Test(arguments: [LabKernel.own, .old])
    func `a hundred sockets that come and go leave nothing in the daemon`(kernel: LabKernel) throws {
      let lab = try TenantLab(kernel: kernel)
      let server = try lab.serve()
      for _ in 0..<5 { #expect(try lab.guests[0].lend("/xsk_socket").hasSuffix("!1")) }
      let before = try #require(server.footprint())
      for _ in 0..<100 {
        let answer = try lab.guests[0].lend("/xsk_socket,0,frames=4096")
        #expect(answer.hasPrefix("/xsk_socket_ack,") && answer.hasSuffix("!1"), "\(answer)")
      }
      let after = try #require(server.footprint())
      // The last one's process has just ended.
      let isClosed = eventually { server.footprints.last.map { $0.descriptors <= before.descriptors } ?? false }
      #expect(isClosed)
      #expect(after.memoryKiB < before.memoryKiB + 2048, "\(before) \(after)")
      #expect(try lab.pinned() == ["test@0-eth0/link", "test@0-eth0/xsks_map"])
    }

    @Test func `an attachment that ends leaves no program, nothing pinned and no socket`() throws {
      let lab = try TenantLab()
      let endpoint = try lab.endpoint()
      #expect(!endpoint.isResumed && endpoint.mode == .native)
      let echo = try lab.guests[0].startEcho()
      #expect(try lab.program(of: lab.guests[0]) != nil)
      #expect(try lab.node.run { TenantEndpoint.pinnedIDs(bpfDirectory: lab.bpfDirectory) } == ["test.0-eth0"])
      try lab.node.run { endpoint.remove() }
      #expect(try lab.program(of: lab.guests[0]) == nil)
      #expect(try lab.pinned() == [])
      #expect(try lab.node.run { TenantEndpoint.pinnedIDs(bpfDirectory: lab.bpfDirectory) } == [])
      let isDirectoryGone = unsafe access(lab.socketDirectory(of: lab.guests[0]), F_OK) != 0
      #expect(isDirectoryGone)
      // Its socket is still the process's; its packets are the stack's.
      #expect(echo.isRunning)
      #expect(try lab.isAnswering(lab.guests[0]))
      // Twice is once.
      try lab.node.run { endpoint.remove() }
    }

    @Test func `what an earlier daemon left can be removed when the namespace is gone`() throws {
      let lab = try TenantLab()
      let endpoint = try lab.endpoint()
      // Its thread, inside the namespace, does not keep it alive.
      lab.guests[0].namespace.close()
      let isGone = try eventually { try !lab.node.links().contains { $0.name == "xskt0" } }
      #expect(isGone)
      endpoint.stop()
      try lab.node.run {
        TenantEndpoint.removeLeftovers(
          id: lab.guests[0].tenant.id, bpfDirectory: lab.bpfDirectory,
          socketDirectory: lab.socketDirectory(of: lab.guests[0]))
      }
      #expect(try lab.pinned() == [])
    }

    @Test func `pins of a device that is gone are not taken for another's`() throws {
      let lab = try TenantLab()
      let endpoint = try lab.endpoint()
      endpoint.stop()
      let old = try lab.node.run { try lab.pinned() }
      try lab.node.delete("xskt0")
      _ = try VethPair(
        VethEnd("xskt0", in: lab.node, addresses: ["10.1.0.1/24"]),
        VethEnd("eth0", in: lab.guests[0].namespace, addresses: ["10.1.0.5/24"]))
      let next = try lab.endpoint()
      #expect(!next.isResumed && old.count == 2)
      let echo = try lab.guests[0].startEcho()
      #expect(try lab.isAnswering(lab.guests[0]))
      echo.kill()
      try lab.node.run { next.remove() }
    }

    @Test func `an engine in a container goes on when its attachment was made anew`() throws {
      let lab = try TenantLab()
      let first = try lab.endpoint()
      let run = try lab.guests[0].start([BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path])
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      try lab.node.run { first.remove() }
      try lab.node.delete("xskt0")
      #expect(run.waitForOutput("eth0 queue 0: lost"), "\(run.errors)")
      _ = try VethPair(
        VethEnd("xskt0", in: lab.node, addresses: ["10.1.0.1/24"]),
        VethEnd("eth0", in: lab.guests[0].namespace, addresses: ["10.1.0.5/24"]))
      let next = try lab.endpoint()
      try #require(run.waitForOutput("eth0 queue 0: back"), "\(run.errors)")
      let sender = try RawEnd(in: lab.node, "xskt0")
      #expect(sender.send(NumberedFrame.series(100)))
      run.signal(SIGINT)
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(run.output.contains("received   100 packets"), "\(run.output)")
      #expect(run.output.contains("every packet and every frame is accounted for"), "\(run.output)")
      // It took its socket out of the new map on its way out.
      #expect(try lab.isAnswering(lab.guests[0]))
      try lab.node.run { next.remove() }
    }

    @Test func `what stands in the way of an endpoint is said, and nothing is left`() throws {
      let lab = try TenantLab()
      func problem(_ bpf: String? = nil, _ change: (inout Tenant) -> Void = { _ in }) throws -> String? {
        var tenant = lab.guests[0].tenant
        change(&tenant)
        let changed = tenant
        return try lab.node.run {
          do throws(XSKError) {
            _ = try TenantEndpoint(
              changed, bpfDirectory: bpf ?? lab.bpfDirectory, socketDirectory: lab.socketDirectory(of: lab.guests[0]))
            return nil
          } catch { return error.description }
        }
      }
      #expect(
        try problem("/tmp/nowhere")?.contains(
          "in no BPF file system, so nothing can be pinned there; mount one: mount -t bpf") == true)
      #expect(try problem { $0.namespace = "/run/netns/nowhere" }?.contains("cannot be opened: No such file") == true)
      #expect(try problem { $0.namespace = "/dev/null" }?.contains("cannot be entered: Invalid argument") == true)
      #expect(try problem { $0.device = "eth7" } == "eth7: no such interface; choose one of eth0, lo")
      #expect(try lab.program(of: lab.guests[0]) == nil)
      #expect(try lab.pinned() == [])
    }
  }
}
