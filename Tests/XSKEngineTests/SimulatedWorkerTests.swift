import Testing

@testable import XSKEngine

/// The worker's loop on simulated devices: every verdict, all rings, past the wrap of all indices.
@Suite struct SimulatedWorkerTests {
  /// From the first index, and from where all four rings' indices wrap at 2³² on the way.
  static let starts: [UInt32] = [0, 0xffff_fff0]

  @Test(arguments: starts) func `dropped packets are counted and their frames come back`(start: UInt32) throws {
    let rig = try SimulatedRig(startIndex: start) { $0.decideAll(.drop(.policy)) }
    for count in [0, 1, 63, 64] {
      rig.step()
      #expect(rig.receive(count: count, length: 100) == count)
      #expect(rig.step() == count)
      rig.expectInvariants()
    }
    #expect(rig.dropped(.policy) == 128 && rig.count(.receivedBytes) == 12_800)
    #expect(rig.transmitFrames() == 0)
    rig.drainAlone()
  }

  @Test(arguments: starts) func `reflected packets leave in order by the queue that they came in on`(start: UInt32)
    throws
  {
    let rig = try SimulatedRig(startIndex: start) { $0.decideAll(.reflect) }
    var sent: [[UInt8]] = []
    let packets = (0..<200).map { patterned($0, length: 60 + $0) }
    for group in 0..<20 {
      rig.step { _, bytes, _ in sent.append(bytes.array) }
      for packet in packets[group * 10..<group * 10 + 10] { #expect(rig.receive(packet)) }
      rig.expectInvariants()
    }
    for _ in 0..<3 { rig.step { _, bytes, _ in sent.append(bytes.array) } }
    #expect(sent == packets)
    #expect(rig.forwarded() == 200 && rig.count(.transmittedPackets) == 200)
    #expect(rig.count(.forwardedBytes) == UInt64(packets.reduce(0) { $0 + $1.count }))
    rig.drainAlone()
  }

  @Test(arguments: starts) func `two devices forward to each other without a copy`(start: UInt32) throws {
    let rig = try SimulatedRig(ports: 2, startIndex: start) { $0.decideAll(.forward(to: $0.port ^ 1)) }
    var sent: [[[UInt8]]] = [[], []]
    let packets = (0..<300).map { patterned($0, length: 64) }
    for group in 0..<30 {
      rig.step { port, bytes, _ in sent[port].append(bytes.array) }
      for packet in packets[group * 10..<group * 10 + 10] {
        #expect(rig.receive(packet, on: 0))
        #expect(rig.receive(packet.reversed(), on: 1))
      }
      rig.expectInvariants()
    }
    for _ in 0..<4 { rig.step { port, bytes, _ in sent[port].append(bytes.array) } }
    #expect(sent == [packets.map { $0.reversed() }, packets])
    for port in 0..<2 {
      #expect(rig.forwarded(port) == 300 && rig.count(.transmittedPackets, port) == 300)
    }
    rig.drainAlone()
  }

  @Test func `10,000 packets go through rings that wrap many times`() throws {
    for start in Self.starts {
      let rig = try SimulatedRig(ports: 2, startIndex: start) { $0.decideAll(.forward(to: $0.port ^ 1)) }
      var received = [0, 0]
      rig.step()
      while received[0] < 10_000 {
        for port in 0..<2 { received[port] += rig.receive(count: 64, on: port) }
        rig.step()
      }
      rig.settle()
      for port in 0..<2 { #expect(rig.receivedPackets(port) == UInt64(received[port])) }
      #expect(rig.forwarded(0) + rig.dropped(.txRingFull, 0) == UInt64(received[0]))
      rig.drainAlone()
    }
  }

  @Test(arguments: [(2048, 0), (2048, 128), (4096, 0), (4096, 1000)], [false, true])
  func `bytes arrive unchanged in every chunk size, headroom and mode`(
    chunk: (size: Int, headroom: Int), unaligned: Bool
  ) throws {
    let (chunkSize, headroom) = chunk
    var addresses: [UInt64] = []
    let umem = UMEMConfiguration(frames: 512, chunkSize: chunkSize, headroom: headroom, unaligned: unaligned)
    let rig = try SimulatedRig(umem: umem) { burst in
      for index in 0..<burst.count { addresses.append(burst.descriptors[index].address) }
      burst.decideAll(.reflect)
    }
    let largest = chunkSize - 256 - headroom
    let packets = [1, 60, 1000, largest].map { patterned($0, length: $0) }
    var sent: [[UInt8]] = []
    rig.step()
    for packet in packets { #expect(rig.receive(packet)) }
    for _ in 0..<3 { rig.step { _, bytes, _ in sent.append(bytes.array) } }
    #expect(sent == packets)
    #expect(
      addresses.allSatisfy { Int($0) % chunkSize == 256 + headroom }, "offset in the chunk: XDP's 256 and the headroom")
    rig.drainAlone()
  }

  @Test(arguments: [1, 2, 7, 31, 32, 33, 64]) func `a burst is never larger than the batch`(batch: Int) throws {
    var sizes: [Int] = []
    let rig = try SimulatedRig(WorkerConfiguration(batch: batch, idle: .spin)) {
      sizes.append($0.count)
      $0.decideAll(.drop(.policy))
    }
    rig.step()
    rig.receive(count: 64)
    for _ in 0..<64 { rig.step() }
    #expect(sizes.reduce(0, +) == 64)
    #expect(sizes.allSatisfy { (1...batch).contains($0) } && sizes.first == batch)
    rig.drainAlone()
  }

  @Test func `a handler sees the port, the queue and the bytes, and may rewrite them`() throws {
    var seen: [String] = []
    let rig = try SimulatedRig(ports: 2) { burst in
      for index in 0..<burst.count {
        seen.append("\(burst.port).\(burst.queue): \(burst.bytes(index).array), \(burst.length(index))")
        var bytes = burst.mutableBytes(index)
        bytes.storeBytes(of: 99, toByteOffset: 0, as: UInt8.self)
      }
      burst.prefetch(0)
      burst.prefetch(10_000)
      burst.decideAll(.reflect)
    }
    rig.step()
    #expect(rig.receive([1, 2, 3], on: 1))
    #expect(rig.receive([4], on: 0))
    var sent: [[UInt8]] = []
    rig.step { _, bytes, _ in sent.append(bytes.array) }
    #expect(seen == ["0.0: [4], 1", "1.0: [1, 2, 3], 3"])
    #expect(sent == [[99], [99, 2, 3]])
    rig.settle()
  }

  @Test func `a drained worker gave nothing back to the fill rings`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    rig.receive(count: 10)
    rig.worker.drain()
    #expect(rig.dropped(.policy) == 10, "what was already received is carried out")
    #expect(rig.receiveFrames() == 118 && rig.pooled == 512 - 118)
    rig.expectInvariants()
  }

  @Test(arguments: IdlePolicy.allCases) func `a worker that is asked to stop drains and ends`(idle: IdlePolicy) throws {
    let rig = try SimulatedRig(
      ports: 2, WorkerConfiguration(idle: idle, spinMicroseconds: 10, drainMilliseconds: 20)
    ) { $0.decideAll(.drop(.policy)) }
    rig.step()
    for port in 0..<2 { rig.receive(count: 40, on: port) }
    rig.control.requestStop()
    rig.worker.run()
    #expect(rig.dropped(.policy, 0) == 40 && rig.dropped(.policy, 1) == 40)
    rig.expectInvariants()
    #expect(rig.counters.worker(index: 0).get(.ledgerViolations) == 0)
  }

  @Test func `the gauges say where every frame is`() throws {
    let rig = try SimulatedRig(needsWakeup: false) { $0.decideAll(.reflect) }
    rig.step()
    rig.receive(count: 20)
    rig.worker.turn()  // 20 on the TX ring; the fill ring keeps its 108.
    rig.transmit(limit: 5)  // 5 of them on the completion ring.
    #expect(rig.takeFrame() != nil)  // One frame inside the kernel.
    rig.worker.housekeeping()
    let totals = rig.counters.worker(index: 0)
    #expect(rig.count(.txFrames) == 15 && rig.count(.completionFrames) == 5)
    #expect(totals.get(.framesTotal) == 512 && totals.get(.framesHeld) == 0)
    let kernel = rig.count(.fillFrames) + rig.count(.kernelFrames)
    #expect(totals.get(.framesInPool) + kernel + 20 == 512)
    rig.expectInvariants()
  }
}
