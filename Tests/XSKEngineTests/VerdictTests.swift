import Testing

@testable import XSKEngine

@Suite struct VerdictTests {
  @Test func `every verdict is itself and no other`() {
    var all: [Verdict] = [.reflect, .delivered, .held]
    for port in 0...255 as ClosedRange<UInt8> {
      #expect(Verdict.forward(to: port).kind == .forward && Verdict.forward(to: port).argument == port)
      all.append(.forward(to: port))
    }
    for reason in DropReason.own {
      #expect(Verdict.drop(reason).kind == .drop && Verdict.drop(reason).argument == reason.rawValue)
      all.append(.drop(reason))
    }
    #expect(Set(all).count == all.count)
    #expect(MemoryLayout<Verdict>.size == 2)
  }

  @Test(arguments: DropReason.own) func `a packet is dropped under the reason given`(reason: DropReason) throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(reason)) }
    rig.step()
    rig.receive(count: 7)
    rig.step()
    #expect(rig.dropped(reason) == 7)
    rig.drainAlone()
  }

  @Test func `a packet that nobody decides is dropped by policy`() throws {
    let rig = try SimulatedRig { burst in
      for index in 0..<burst.count { #expect(burst[verdict: index] == .drop(.policy)) }
    }
    for _ in 0..<3 {
      rig.step()
      rig.receive(count: 5)
      rig.step()
    }
    #expect(rig.dropped(.policy) == 15)
    rig.drainAlone()
  }

  @Test func `runs of mixed verdicts are each carried out once`() throws {
    let pattern: [Verdict] = [
      .drop(.policy), .drop(.policy), .forward(to: 1), .reflect, .delivered, .delivered, .forward(to: 0),
      .forward(to: 9),
      .drop(.shutdown), .forward(to: 1), .forward(to: 1),
    ]
    let rig = try SimulatedRig(ports: 2) { burst in
      for index in 0..<burst.count { burst[verdict: index] = pattern[index] }
    }
    rig.step()
    for number in pattern.indices { #expect(rig.receive(patterned(number, length: 60 + number))) }
    var sent: [[Int]] = [[], []]
    rig.step { port, bytes, _ in sent[port].append(bytes.byteCount - 60) }
    #expect(sent == [[3, 6], [2, 9, 10]])
    #expect(rig.dropped(.policy) == 2 && rig.dropped(.shutdown) == 1 && rig.dropped(.noSuchPort) == 1)
    #expect(rig.count(.deliveredPackets) == 2 && rig.count(.deliveredBytes) == 64 + 65)
    #expect(rig.forwarded() == 5)
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [1, 2, 100, 255] as [UInt8]) func `a port that is not there drops as noSuchPort`(port: UInt8) throws
  {
    let rig = try SimulatedRig { $0.decideAll(.forward(to: port)) }
    rig.step()
    rig.receive(count: 9)
    rig.step()
    #expect(rig.dropped(.noSuchPort) == 9)
    rig.drainAlone()
  }

  /// What arrives at a full TX ring that nobody empties: as many as it has room for leave.
  @Test(arguments: [(1, 1), (64, 64), (65, 64), (200, 64)])
  func `what does not fit the TX ring is dropped as txRingFull`(offered: Int, sent: Int) throws {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.forward(to: 1)) }
    rig.nics[1].faults.stallsTransmit = true
    var left = offered
    while left > 0 {
      rig.step()
      left -= rig.receive(count: min(left, 50))
    }
    rig.step()
    #expect(rig.forwarded() == UInt64(sent) && rig.dropped(.txRingFull) == UInt64(offered - sent))
    #expect(rig.transmitFrames(1) == sent)
    rig.expectInvariants()
    rig.nics[1].faults.stallsTransmit = false
    rig.settle()
    rig.drainAlone()
  }

  /// The lengths of a burst's packets, the egress limit, and which of them leave.
  @Test(arguments: [
    ([60, 60, 60], 60, [0, 1, 2]), ([60, 61, 60], 60, [0, 2]), ([61, 60, 61], 60, [1]), ([61, 62, 63], 60, []),
    ([60], 59, []), ([1, 100, 1, 100, 100, 1], 99, [0, 2, 5]),
  ]) func `what exceeds the egress MTU is dropped and the rest goes on`(lengths: [Int], limit: Int, leave: [Int]) throws
  {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.forward(to: 1)) }
    rig.setMaximumLength(limit, 1)
    rig.step()
    for (number, length) in lengths.enumerated() {
      #expect(rig.receive([UInt8(number)] + [UInt8](repeating: 0, count: length - 1)))
    }
    var sent: [Int] = []
    rig.step { _, bytes, _ in sent.append(Int(bytes.array[0])) }
    #expect(sent == leave)
    #expect(rig.dropped(.exceedsMTU) == UInt64(lengths.count - leave.count))
    rig.settle()
    rig.drainAlone()
  }

  @Test func `a burst of nothing but packets too long is dropped one by one`() throws {
    let rig = try SimulatedRig(
      rings: RingSizes(receive: 1024, transmit: 1024), umem: UMEMConfiguration(frames: 4096),
      WorkerConfiguration(batch: 1024, idle: .spin)
    ) { $0.decideAll(.reflect) }
    rig.setMaximumLength(10, 0)
    rig.step()
    #expect(rig.receive(count: 1024) == 1024)
    rig.step()
    #expect(rig.dropped(.exceedsMTU) == 1024)
    rig.drainAlone()
  }

  @Test(arguments: [0, 1, 8, 64, 1000]) func `decideEach gives every packet its verdict at any prefetch distance`(
    distance: Int
  ) throws {
    let rig = try SimulatedRig { burst in
      burst.decideEach(prefetching: distance) { bytes in
        bytes.byteCount % 2 == 0 ? .delivered : .drop(.policy)
      }
    }
    rig.step()
    for length in 1...40 { #expect(rig.receive([UInt8](repeating: 0, count: length))) }
    rig.step()
    #expect(rig.count(.deliveredPackets) == 20 && rig.dropped(.policy) == 20)
    #expect(rig.count(.deliveredBytes) == UInt64(stride(from: 2, through: 40, by: 2).reduce(0, +)))
    rig.drainAlone()
  }
}
