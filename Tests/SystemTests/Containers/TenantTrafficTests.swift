import CXsk
import ContainerDataplane
import Foundation
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  @Suite struct TenantTrafficTests {
    @Test(arguments: [LabKernel.own, .old])
    func `a process without privileges receives packets and answers them`(kernel: LabKernel) throws {
      let lab = try TenantLab(kernel: kernel)
      let server = try lab.serve()
      #expect(server.lines("serving") == ["serving test.0-eth0 new native"])
      let echo = try lab.guests[0].startEcho()
      let status = try String(contentsOfFile: "/proc/\(echo.pid)/status", encoding: .utf8)
      for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        #expect(status.contains("\(set):\t0000000000000000"), "\(set)")
      }
      let limits = try String(contentsOfFile: "/proc/\(echo.pid)/limits", encoding: .utf8)
      #expect(limits.split(separator: "\n").contains { $0.hasPrefix("Max locked memory         0 ") })
      // It answers ARP, too: nothing told the node its address.
      let ping = try Ping.run(from: lab.node, to: lab.guests[0].address, count: 20, payload: 1000)
      #expect(ping.isComplete)
      #expect(server.lines("tenant").count == 1)
    }

    @Test(arguments: [true, false], [LabKernel.own, .old])
    func `xskfwd runs inside a container, with its counters and its summary`(reflects: Bool, kernel: LabKernel) throws {
      let lab = try TenantLab(kernel: kernel)
      let server = try lab.serve()
      // Packets that it sends back would be answered by nobody; what arrives is what the far end's device counts.
      let command = [BuiltPrograms.xskfwd, reflects ? "reflect" : "drop", "--attach", lab.guests[0].path]
      let run = try lab.guests[0].start(command + ["--interval", "0.2", "-v"])
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      let sender = try RawEnd(in: lab.node, "xskt0")
      #expect(sender.send(NumberedFrame.series(500)))
      #expect(run.waitForOutput("worker 0"), "lines while it runs")
      let counted = eventually {
        run.output.split(separator: "\n").contains { $0.contains(reflects ? "fwd" : "policy") }
      }
      #expect(counted)
      run.signal(SIGINT)
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(run.output.contains("eth0: copy, queues 0, link up"))
      #expect(run.output.contains("every packet and every frame is accounted for"))
      #expect(run.output.contains("received   500 packets"), "\(run.output)")
      #expect(server.process.isRunning)
      // Out of the map: the container's stack has its packets.
      #expect(try lab.isAnswering(lab.guests[0]))
    }

    @Test(arguments: [LabKernel.own, .old])
    func `two attachments of a container are joined by xskfwd forward, over one memory`(kernel: LabKernel) throws {
      let left = try NetworkNamespace("left")
      let right = try NetworkNamespace("right")
      let lab = try TenantLab(between: left, right, kernel: kernel)
      let server = try lab.serve()
      let command = [BuiltPrograms.xskfwd, "forward"] + lab.guests.flatMap { ["--attach", $0.path] }
      let run = try lab.guests[0].start(command)
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      let isPassing = try eventually {
        try Ping.run(from: left, to: "10.1.9.2", count: 1, timeout: .milliseconds(200)).isComplete
      }
      #expect(isPassing)
      #expect(try Ping.run(from: left, to: "10.1.9.2", count: 50, payload: 1400).isComplete)
      run.signal(SIGTERM)
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(run.output.contains("every packet and every frame is accounted for"), "\(run.output)")
      #expect(server.lines("tenant").count == 2)
    }

    @Test func `a container's multi-buffer packets pass`() throws {
      let lab = try TenantLab(mtu: 6000)
      _ = try lab.serve()
      let run = try lab.guests[0].start([BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path])
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      let sender = try RawEnd(
        in: lab.node, "xskt0", umem: UMEMConfiguration(frames: 512, chunkSize: 4096),
        socket: SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: true))
      #expect(sender.send(NumberedFrame.series(50, size: 5000)))
      let isThere = try eventually {
        try lab.guests[0].namespace.run { try NetworkDevice(named: "eth0").program } != nil
      }
      #expect(isThere)
      run.signal(SIGINT)
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(run.output.contains("received   50 packets"), "\(run.output)")
    }

    @Test(arguments: [LabKernel.own, .old])
    func `two queues of a container have two workers`(kernel: LabKernel) throws {
      let lab = try TenantLab(queues: 2, quota: TenantQuota(sockets: 2), kernel: kernel)
      _ = try lab.serve()
      let run = try lab.guests[0].start([BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path])
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      run.signal(SIGINT)
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(run.output.contains("queues 0-1") || run.output.contains("queues 0,1"), "\(run.output)")
    }
  }
}
