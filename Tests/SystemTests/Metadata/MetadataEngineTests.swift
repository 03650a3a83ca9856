import Forwarder
import Synchronization
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// An engine that is configured for metadata.
  @Suite("Metadata in an engine") struct MetadataEngine {
    /// How many packets had what, over all workers.
    final class Tally: Sendable {
      let packets = Atomic<Int>(0)
      let hashes = Atomic<Int>(0)
      let timestamps = Atomic<Int>(0)
      let tags = Atomic<Int>(0)
      let marks = Atomic<Int>(0)
      let indices = Mutex<Set<UInt64>>([])
    }

    /// Forwards like `ForwardHandler`, and counts what it sees ahead of packets.
    struct Counting: PacketHandler {
      let tally: Tally

      mutating func handle(_ burst: inout Burst) {
        for index in 0..<burst.count {
          let metadata = burst.metadata(index)
          tally.packets.add(1, ordering: .relaxed)
          if metadata.get(.receiveHash) != nil { tally.hashes.add(1, ordering: .relaxed) }
          if metadata.get(.receiveTimestamp) != nil { tally.timestamps.add(1, ordering: .relaxed) }
          if metadata.flowTag != nil { tally.tags.add(1, ordering: .relaxed) }
          if metadata.get(.mark) == 0xc0ff_ee01 { tally.marks.add(1, ordering: .relaxed) }
          if let device = metadata.get(.ingressIndex) { tally.indices.withLock { _ = $0.insert(device) } }
        }
        burst.decideAll(.forward(to: burst.port ^ 1))
      }
    }

    private func start(_ lab: ForwardLab, _ configuration: EngineConfiguration, _ tally: Tally) throws -> Engine {
      try lab.middle.run { try Engine.start(configuration) { _ in Counting(tally: tally) } }
    }

    @Test(arguments: [ModeRequest.auto, .generic])
    func `traffic between two stacks passes with metadata on every packet`(mode: ModeRequest) throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.metadata = MetadataLab.all
      configuration.socket.mode = mode
      let tally = Tally()
      let engine = try start(lab, configuration, tally)
      #expect(try lab.isPassing())
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: "fd07::2", bytes: 300_000)
      #expect(transfer.isIntact)
      let indices = try Set(["m0", "m1"].map { UInt64(try lab.middle.link($0).index) })
      engine.finish()
      let packets = tally.packets.load(ordering: .relaxed)
      #expect(packets > 100)
      #expect(tally.marks.load(ordering: .relaxed) == packets)
      #expect(tally.indices.withLock { $0 } == indices)
      #expect(tally.tags.load(ordering: .relaxed) > 100)
      // Generic mode has no driver to ask, and says so.
      let hasHints = mode == .auto
      #expect(tally.hashes.load(ordering: .relaxed) == (hasHints ? packets : 0))
      #expect(tally.timestamps.load(ordering: .relaxed) == (hasHints ? packets : 0))
      let note = "m0: metadata without RX hash and RX timestamp, which its driver does not tell here"
      #expect(engine.messages.contains(note) == !hasHints)
    }

    @Test func `GRO finds flows by the tags that the program wrote`() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.metadata = MetadataConfiguration([.flowTag])
      let made = configuration
      let engine = try lab.middle.run {
        try Engine.start(made) { placement throws(XSKError) in
          try CoalescingHandler(ForwardUnits(), queues: placement.slotCount)
        }
      }
      #expect(try lab.isPassing())
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: "10.7.0.2", bytes: 4_000_000)
      #expect(transfer.isIntact)
      engine.finish()
      let final = try engine.counters.snapshot()
      let (units, packets) = (final.total(.units), final.total(.unitPackets))
      #expect(units > 0 && Double(packets) / Double(units) > 1.2, "\(packets) packets in \(units) units")
    }

    @Test func `a program that was bound to a device which is gone is bound to the one that comes back`() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.metadata = MetadataLab.all
      let tally = Tally()
      let engine = try start(lab, configuration, tally)
      #expect(try lab.isPassing())
      try lab.left.delete("l0")
      #expect(engine.says("m0 queue 0: lost ("))
      try lab.connectLeft()
      #expect(engine.says("m0 queue 0: back"))
      #expect(try lab.isPassing())
      let index = UInt64(try lab.middle.link("m0").index)
      engine.finish()
      let packets = tally.packets.load(ordering: .relaxed)
      #expect(tally.hashes.load(ordering: .relaxed) == packets && packets > 0)
      #expect(tally.indices.withLock { $0.contains(index) })
    }

    @Test func `by default the plain program is attached and packets have no metadata`() throws {
      let lab = try ForwardLab()
      let tally = Tally()
      let engine = try start(lab, lab.configuration, tally)
      let device = try lab.middle.run { try NetworkDevice(named: "m0") }
      #expect(device.program?.name == "xsk_redirect")
      #expect(engine.plan.umem.metadataLength == 0)
      #expect(try lab.isPassing())
      engine.finish()
      #expect(tally.packets.load(ordering: .relaxed) > 0)
      #expect(tally.tags.load(ordering: .relaxed) == 0 && tally.marks.load(ordering: .relaxed) == 0)
    }

    /// As many deployment keys of 8 bytes.
    private func reserving(_ count: Int) -> MetadataConfiguration {
      MetadataConfiguration(
        [.ingressIndex, .mark],
        deployment: (0..<count).map { DeploymentKey(.deployment($0), name: "key\($0)", bytes: 8) }, mark: 0xc0ff_ee01)
    }

    @Test func `metadata longer than this kernel accepts is refused with the limit, and that much works`() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.metadata = reserving(32)
      #expect(configuration.metadata.length == 16 + 8 + 256)
      let error = try #require(throws: XSKError.self) { _ = try start(lab, configuration, Tally()) }
      #expect(error.subject == "metadata of 280 bytes")
      let words = error.problem.split(separator: " ")
      #expect(error.problem.hasPrefix("longer than the ") && error.problem.hasSuffix(" bytes that this kernel accepts"))
      let limit = try #require(words.count > 3 ? Int(words[3]) : nil)
      #expect(limit >= 32 && limit < 280 && limit % 4 == 0)
      // Nothing is left behind.
      #expect(try lab.middle.run { try NetworkDevice(named: "m0").program } == nil)

      configuration.metadata = reserving((limit - 24) / 8)
      #expect(limit - configuration.metadata.length < 8)
      let tally = Tally()
      let engine = try start(lab, configuration, tally)
      #expect(try lab.isPassing())
      engine.finish()
      let packets = tally.packets.load(ordering: .relaxed)
      #expect(packets > 0 && tally.marks.load(ordering: .relaxed) == packets)
    }

    @Test func `a key that the program can't write is refused before anything is touched`() throws {
      let lab = try ForwardLab()
      var configuration = lab.configuration
      configuration.metadata = MetadataConfiguration([.deployment(1)])
      let error = try #require(throws: XSKError.self) { _ = try start(lab, configuration, Tally()) }
      #expect(error.subject == "metadata key 33")
      #expect(try lab.middle.run { try NetworkDevice(named: "m0").program } == nil)
    }
  }
}
