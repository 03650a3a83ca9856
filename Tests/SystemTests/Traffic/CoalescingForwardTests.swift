import Forwarder
import GROLite
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  /// Real protocols of the kernel's own stacks through an engine that runs GRO ahead of forwarding.
  @Suite("Real traffic, coalesced") struct CoalescedTraffic {
    static func forward(_ lab: ForwardLab, hold: UInt64) throws -> Engine {
      var configuration = lab.configuration
      configuration.heldPerQueue = hold == 0 ? 0 : 64
      let gro = GROConfiguration(holdTime: hold, holdLimit: 64)
      let made = configuration
      return try lab.middle.run {
        try Engine.start(made) { placement throws(XSKError) in
          try CoalescingHandler(ForwardUnits(), gro: gro, queues: placement.slotCount)
        }
      }
    }

    @Test(
      "ping, TCP and jumbo frames pass whole, held for 0 or 50 microseconds",
      arguments: [1500, 9000] as [UInt32], [0, 50_000] as [UInt64])
    func forward(mtu: UInt32, hold: UInt64) throws {
      let lab = try ForwardLab(mtu: mtu)
      let engine = try Self.forward(lab, hold: hold)
      for address in ["10.7.0.2", "fd07::2"] {
        #expect(try Ping.run(from: lab.left, to: address, count: 5, payload: 1000).received == 5)
        let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: address, bytes: 4_000_001)
        #expect(transfer.isIntact && transfer.receivedBytes == 4_000_001)
      }
      let counters = engine.finish()
      #expect(counters.total(.forwardedBytes) > 8_000_002)
      let final = try engine.counters.snapshot()
      let (units, packets) = (final.total(.units), final.total(.unitPackets))
      #expect(units > 0 && packets == counters.total(.receivedPackets))
      #expect(Double(packets) / Double(units) > 1.2, "\(packets) packets in \(units) units")
    }

    @Test("an engine that is not configured for what GRO holds does not start, and leaves nothing attached")
    func unconfigured() throws {
      let lab = try ForwardLab()
      let configuration = lab.configuration
      let error = #expect(throws: XSKError.self) {
        try lab.middle.run {
          try Engine.start(configuration) { placement throws(XSKError) in
            try CoalescingHandler(
              ForwardUnits(), gro: GROConfiguration(holdTime: 50_000, holdLimit: 64), queues: placement.slotCount)
          }
        }
      }
      #expect(error?.remedy.contains("EngineConfiguration.heldPerQueue") == true)
      #expect(try lab.middle.run { try NetworkDevice(named: "m0").program } == nil)
    }

    @Test("two queues of each port on one worker, held apart")
    func queues() throws {
      let lab = try ForwardLab(queues: 2)
      let engine = try Self.forward(lab, hold: 100_000)
      for seed in 1...6 {
        let transfer = try TCPTransfer.run(
          from: lab.left, to: lab.right, address: seed % 2 == 0 ? "fd07::2" : "10.7.0.2", bytes: 400_000,
          seed: UInt64(seed))
        #expect(transfer.isIntact)
      }
      let counters = engine.finish()
      #expect(counters.dropped(.shutdown) == 0 && counters.dropped(.holdLimit) == 0)
    }
  }
}
