import ContainerDataplane
import Glibc
import PacketSamples
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  /// Kernels that map no rings of a bound socket: a tenant's process gets it before. (What works there as elsewhere is tested with
  /// the rest, on both.)
  @Suite struct EarlyKernelTests {
    private static let granted =
      "/xsk_socket_ack,chunk=2048,frames=4096,given=2048,rx=1024,tx=1024,fill=2048,comp=1024,map=1"
    private static let boundAlready =
      "/xsk_mapped_nak,eth0 queue 0: the socket is bound already, by a process that it was given to"
    private static let queueBusy = "eth0 queue 0: busy (another socket is bound)"
    private static let busy = "/xsk_socket_nak,\(queueBusy)"

    struct Case: Sendable {
      let steps: [String]
      let lines: [String]
      /// What the daemon says of it; nil: the socket is in its place.
      var reason: String?
      /// Requests that it did not grant.
      var denied = 1
    }

    @Test(arguments: [
      Case(steps: ["ask", "map", "say=/xsk_mapped"], lines: [granted, "mapped", "/xsk_mapped_ack,zc=0"], denied: 0),
      // Nothing waits for it.
      Case(
        steps: ["say=/xsk_mapped", "ask", "map", "say=/xsk_mapped", "say=/xsk_mapped", "say=/version"],
        lines: [
          "/xsk_mapped_nak,no socket waits for it", granted, "mapped", "/xsk_mapped_ack,zc=0",
          "/xsk_mapped_nak,no socket waits for it", "0.1",
        ], denied: 0),
      Case(steps: ["ask", "say=/xsk_mapped,0"], lines: [granted, "(closed)"], reason: "said something else before"),
      Case(steps: ["ask", "say=/xsk_socket"], lines: [granted, "(closed)"], reason: "said something else before"),
      Case(
        steps: ["ask", "end"], lines: [granted, "(closed)"], reason: "did not say within 5 s that it is mapped"),
      // Bound by the process itself, where it may be and where it may not.
      Case(
        steps: ["ask", "map", "bind=eth0,0", "say=/xsk_mapped"], lines: [granted, "mapped", "bound", boundAlready],
        reason: "the socket is bound already"),
      Case(
        steps: ["ask", "map", "bind=eth0,1", "say=/xsk_mapped"], lines: [granted, "mapped", "bound", boundAlready],
        reason: "the socket is bound already"),
      Case(
        steps: ["ask", "bind=lo,0", "release", "bind=eth1,0", "map", "say=/xsk_mapped"],
        lines: [
          granted, "Invalid argument", "Operation not permitted", "Invalid argument", "mapped", "/xsk_mapped_ack,zc=0",
        ], denied: 0),
      // Nobody in the daemon, nor the kernel's bind, reads what is in the rings.
      Case(
        steps: ["ask", "map", "scribble", "say=/xsk_mapped", "scribble"],
        lines: [granted, "mapped", "scribbled", "/xsk_mapped_ack,zc=0", "scribbled"], denied: 0),
      // What the kernel was told stays.
      Case(
        steps: ["ask", "resize", "register", "map", "say=/xsk_mapped", "bind=eth0,1"],
        lines: [
          granted, "Invalid argument", "Device or resource busy", "mapped", "/xsk_mapped_ack,zc=0",
          "Device or resource busy",
        ], denied: 0),
      // The memory of another of its sockets among it.
      Case(
        steps: ["ask", "map", "say=/xsk_mapped", "ask=1", "share", "map", "say=/xsk_mapped"],
        lines: [
          granted, "mapped", "/xsk_mapped_ack,zc=0", granted, "Invalid argument", "mapped", "/xsk_mapped_ack,zc=0",
        ], denied: 0),
      // Whoever keeps one has the queue in use, until it lets go of it.
      Case(
        steps: ["ask", "hangup", "ask", "hangup", "ask", "drop", "again", "map", "say=/xsk_mapped"],
        lines: [
          granted, "hung up", busy, "hung up", busy, "dropped", granted, "mapped", "/xsk_mapped_ack,zc=0",
        ], reason: "hung up before it was mapped", denied: 3),
    ])
    func `a process that has a socket before it is bound harms nobody but itself`(_ it: Case) throws {
      let lab = try TenantLab(queues: 2, quota: TenantQuota(sockets: 2), kernel: .old)
      // Another interface of the container, whose network is none of ours.
      let other = try NetworkNamespace("other")
      _ = try VethPair(VethEnd("o0", in: other), VethEnd("eth1", in: lab.guests[0].namespace))
      let server = try lab.serve()
      let before = try #require(server.footprint())
      #expect(try lab.guests[0].take(it.steps) == it.lines)
      let said = eventually { server.lines("denied").last == (it.denied == 0 ? nil : "denied \(it.denied)") }
      #expect(said, "\(server.process.output)")
      let refusals = server.lines("tenant").filter { $0.contains("not handed over") }
      #expect(refusals.count == (it.reason == nil ? 0 : 1))
      #expect(refusals.allSatisfy { $0.contains("tenant test.0-eth0: queue 0 ") && $0.contains(it.reason ?? "?") })
      // The process has ended: nothing of it is left, and the next one is served.
      let echo = try lab.guests[0].startEcho()
      #expect(try Ping.run(from: lab.node, to: lab.guests[0].address, count: 10).isComplete)
      echo.kill()
      #expect(try lab.isAnswering(lab.guests[0]), "the container's stack has its packets")
      let isClosed = eventually { server.footprints.last?.descriptors == before.descriptors }
      #expect(isClosed)
    }

    @Test func `a socket whose queue is taken meanwhile is bound when it is free, and before anybody is served`() throws
    {
      let lab = try TenantLab(kernel: .old)
      let server = try lab.serve()
      let folder = try ScratchFolder()
      let process = try lab.guests[0].start(steps: [
        "ask", "await=\(folder.file("taken"))", "say=/xsk_mapped", "hangup", "ask", "hangup", "drop", "again",
        "hold",
      ])
      try #require(process.waitForOutput("map=1"), "\(process.output)")
      // Somebody with privileges, in the container's namespace.
      var other: XSKSocket? = try lab.guests[0].namespace.run { () throws(XSKError) in
        let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .plain))
        let rings = RingSizes(receive: 64, transmit: 64)
        let socket = try XSKSocket(
          name: "other", umem: umem, SocketConfiguration(rings: rings, mode: .copy, bindPatience: 10_000))
        try socket.bind(ifindex: NetworkDevice(named: "eth0").index, queue: 0)
        return socket
      }
      // Safe: a C string for the call.
      close(unsafe creat(folder.file("taken"), 0o600))
      #expect(process.waitForOutput("/xsk_mapped_nak,\(Self.queueBusy)"), "\(process.output)")
      #expect(process.waitForOutput("hung up"))
      // It asks, and is not listened to.
      usleep(300_000)
      #expect(!process.output.contains("/xsk_socket_nak"))
      withExtendedLifetime(other) {}
      other = nil
      // What it keeps has the queue now.
      #expect(process.waitForOutput("held"), "\(process.output)")
      #expect(
        process.output.contains(Self.busy) && process.output.contains("dropped\n\(Self.granted)"), "\(process.output)")
      #expect(server.lines("denied").count >= 2)
      process.kill()
    }

    @Test func `while one process maps its socket others of the tenant wait, and those of other tenants do not`() throws
    {
      let lab = try TenantLab(guests: 2, queues: 2, quota: TenantQuota(sockets: 2), kernel: .old)
      let server = try lab.serve()
      let slow = try lab.guests[0].start(steps: ["ask", "end", "hold"])
      try #require(slow.waitForOutput("map=1"), "\(slow.output)")
      let neighbour = try lab.guests[1].startEcho()
      #expect(server.lines("denied").isEmpty, "the first one's time is not over")
      // It asks for queue 1, and gets it when the first one's time is over.
      #expect(try lab.guests[0].lend("/xsk_socket,1").hasSuffix(",map=1 !1"))
      #expect(slow.output.contains("(closed)"))
      #expect(server.lines("tenant test.0").first?.contains("did not say within 5 s") == true)
      neighbour.kill()
      slow.kill()
    }

    @Test(arguments: [["ask", "hold"], ["ask", "map", "hold"], ["ask", "map", "shout=/xsk_mapped", "hold"]])
    func `a process that is killed on the way to its socket leaves nothing`(steps: [String]) throws {
      let lab = try TenantLab(kernel: .old)
      let server = try lab.serve()
      let before = try #require(server.footprint())
      for round in 1...3 {
        let process = try lab.guests[0].start(steps: steps)
        try #require(process.waitForOutput("held"), "\(process.output)")
        process.kill()
        #expect(try process.wait() == .killed(signal: SIGKILL))
        let echo = try lab.guests[0].startEcho()
        #expect(try lab.isAnswering(lab.guests[0]), "round \(round)")
        echo.kill()
        #expect(try lab.isAnswering(lab.guests[0]))
      }
      let refused = server.lines("tenant").filter { $0.contains("hung up before it was mapped") }.count
      #expect(refused == (steps.count == 4 ? 0 : 3), "\(server.lines("tenant"))")
      let isClosed = eventually { server.footprints.last?.descriptors == before.descriptors }
      #expect(isClosed)
    }

    @Test func `a daemon that is killed while a process has its socket is followed by one that goes on`() throws {
      let lab = try TenantLab(kernel: .old)
      let first = try lab.serve()
      // It keeps what it got of the first one, which is bound to nothing.
      let process = try lab.guests[0].start(steps: [
        "ask", "map", "end", "hangup", "again", "map", "say=/xsk_mapped", "hold",
      ])
      try #require(process.waitForOutput("mapped"), "\(process.output)")
      first.process.kill()
      #expect(process.waitForOutput("hung up"))
      let second = try lab.serve()
      #expect(process.waitForOutput("held"), "\(process.output)")
      #expect(process.output.contains("/xsk_mapped_ack,zc=0"))
      #expect(second.lines("denied").isEmpty)
      process.kill()
      let echo = try lab.guests[0].startEcho()
      #expect(try lab.isAnswering(lab.guests[0]))
      echo.kill()
    }

    @Test func `an engine whose daemon dies before its socket is bound says so, and leaves nothing`() throws {
      let lab = try TenantLab(kernel: .old)
      let first = try lab.serve()
      first.process.signal(SIGSTOP)
      let run = try lab.guests[0].start([BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path])
      first.process.kill()
      #expect(try run.wait() == .exited(2), "\(run.output)")
      #expect(run.errors.contains(lab.guests[0].path), "\(run.errors)")
      _ = try lab.serve()
      let echo = try lab.guests[0].startEcho()
      #expect(try lab.isAnswering(lab.guests[0]))
      echo.kill()
    }

    @Test func `a kernel on which an unbound socket could go anywhere hands none over`() throws {
      let lab = try TenantLab(kernel: .older)
      let server = try lab.serve()
      let answer = try lab.guests[0].take(["ask"]).first ?? ""
      #expect(answer.hasPrefix("/xsk_socket_nak,this kernel: maps no rings of a bound socket"), "\(answer)")
      let isCounted = eventually { server.lines("denied") == ["denied 1"] }
      #expect(isCounted)
    }
  }
}
