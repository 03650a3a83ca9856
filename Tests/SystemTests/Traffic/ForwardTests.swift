import CXsk
import Forwarder
import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// Real protocols of the kernel's own stacks through an engine that forwards.
  @Suite("Real traffic") struct RealTraffic {
    @Test("ping and a TCP transfer pass whole, IPv4 and IPv6", arguments: [1500, 9000] as [UInt32], [false, true])
    func forward(mtu: UInt32, isIPv6: Bool) throws {
      let lab = try ForwardLab(mtu: mtu)
      let engine = try lab.forward()
      let address = isIPv6 ? "fd07::2" : "10.7.0.2"
      // As large as fits: the IP header has 40 or 20 bytes, ICMP's 8.
      let payload = Int(mtu) - (isIPv6 ? 48 : 28)
      #expect(try Ping.run(from: lab.left, to: address, count: 10, payload: payload).received == 10)
      #expect(try Ping.run(from: lab.left, to: address, count: 5, payload: 8).received == 5)
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: address, bytes: 4_000_001)
      #expect(transfer.isIntact)
      #expect(transfer.receivedBytes == 4_000_001)
      let counters = engine.finish()
      #expect(counters.total(.forwardedBytes) > 4_000_001)
      #expect(counters.total(.forwardedBytes) == counters.total(.transmittedBytes))
      #expect(counters.total(.kernelRXDropped) == 0)
    }

    @Test("every idle policy forwards", arguments: IdlePolicy.allCases, [1500, 9000] as [UInt32])
    func idle(_ policy: IdlePolicy, mtu: UInt32) throws {
      let lab = try ForwardLab(mtu: mtu)
      var configuration = lab.configuration
      configuration.worker.idle = policy
      let engine = try lab.forward(configuration)
      #expect(try Ping.run(from: lab.left, to: "10.7.0.2", count: 5).received == 5)
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: "10.7.0.2", bytes: 500_000)
      #expect(transfer.isIntact)
      #expect(try Ping.run(from: lab.right, to: "10.7.0.1", count: 5, payload: Int(mtu) - 28).received == 5)
      engine.finish()
    }

    @Test("two workers with two queues of each port share the flows, and each keeps its own books")
    func workers() throws {
      let lab = try ForwardLab(queues: 4)
      var configuration = lab.configuration
      configuration.cores = [0, 1]
      configuration.worker.idle = .sleep
      let engine = try lab.forward(configuration)
      for seed in 1...8 {
        let transfer = try TCPTransfer.run(
          from: lab.left, to: lab.right, address: seed % 2 == 0 ? "fd07::2" : "10.7.0.2", bytes: 200_000,
          seed: UInt64(seed))
        #expect(transfer.isIntact)
      }
      // A socket for each queue sends straight into it: every queue must have carried something.
      let senders = try (0..<4).map { try RawEnd(in: lab.left, "l0", queue: $0) }
      for (number, sender) in senders.enumerated() { #expect(sender.send([NumberedFrame.make(number)])) }
      let counters = CounterReader(engine)
      let ingress = engine.plan.workers.flatMap(\.queues).filter { $0.port == 0 }
      #expect(engine.plan.workers.map(\.queues.count) == [4, 4])
      #expect(ingress.count == 4)
      #expect(eventually { ingress.allSatisfy { counters.get(.receivedPackets, slot: $0.slot) > 0 } })
      engine.finish()
    }

    @Test("a packet longer than the egress port's MTU is dropped under its reason")
    func exceedsMTU() throws {
      let lab = try ForwardLab(mtu: 3000)
      try lab.middle.setMTU("m1", 1500)
      let engine = try lab.forward()
      #expect(try lab.isPassing())
      try PacketSocket(in: lab.left, device: "l0").send(NumberedFrame.make(1, size: 2500))
      let counters = CounterReader(engine)
      #expect(eventually { counters.dropped(.exceedsMTU) == 1 })
      engine.finish()
    }

    @Test("a socket and its sealed UMEM, adopted from their maker, receive and transmit after the maker let go")
    func adoption() throws {
      let cable = try Cable()
      let geometry = UMEMConfiguration(frames: 512, pages: .sealedMemfd)
      let rings = RingSizes(receive: 128, transmit: 128)
      let index = try cable.right.link("r0").index
      let program = try cable.right.run {
        try XDPProgram(
          image: .xsk_redirect, function: "xsk_redirect", device: "r0", ifindex: index, queues: 1, modes: [.native])
      }
      let worker = try {
        let made = try RawEnd(
          in: cable.right, "r0", umem: geometry, socket: SocketConfiguration(rings: rings))
        try program.insert(socket: made.socket.descriptor, queue: 0)
        let umem = try UMEM(adopting: made.umem.memoryFile, geometry)
        let socket = try XSKSocket(adopting: dup(made.socket.descriptor), name: "r0 queue 0", rings: rings)
        return try SteppedWorker(adopting: socket, umem: umem)
      }()
      worker.log.verdict = { _ in .reflect }
      let source = try PacketSocket(in: cable.left, device: "l0")
      let frames = NumberedFrame.series(200)
      for (number, frame) in frames.enumerated() {
        try source.send(frame)
        try #require(worker.receive(number + 1))
      }
      worker.settle()
      worker.log.expect(frames, umem: geometry)
      #expect(try source.receive(200, timeout: .seconds(10)) == frames)
      program.detach()
      worker.finish()
    }

    @Test("memory that is not sealed, or too small, is not adopted")
    func adoptionRefused() throws {
      let geometry = UMEMConfiguration(frames: 64, pages: .sealedMemfd)
      let umem = try UMEM(geometry)
      var larger = geometry
      larger.frames = 65
      let small = #expect(throws: XSKError.self) { try UMEM(adopting: umem.memoryFile, larger) }
      #expect(small?.problem == "smaller than \(65 * 2048) bytes")
      let file = unsafe cxsk_memfd_create("unsealed")
      defer { close(file) }
      #expect(ftruncate(file, 64 * 2048) == 0)
      let unsealed = #expect(throws: XSKError.self) { try UMEM(adopting: file, geometry) }
      #expect(unsealed?.problem == "not sealed against shrinking")
    }
  }
}
