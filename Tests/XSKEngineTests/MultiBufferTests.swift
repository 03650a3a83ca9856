import Testing

@testable import XSKEngine

/// Packets of several descriptors. A frame of 2048 bytes has room for 1,792.
@Suite struct MultiBufferTests {
  static func rig(
    batch: Int = 64, ring: UInt32 = 256, ports: Int = 1,
    decide: @escaping (inout Burst) -> Void = { $0.decideAll(.reflect) }
  ) throws -> SimulatedRig {
    try SimulatedRig(
      ports: ports, rings: RingSizes(receive: ring, transmit: 256, fill: 512), umem: UMEMConfiguration(frames: 2048),
      WorkerConfiguration(batch: batch, idle: .spin, drainMilliseconds: 20), decide: decide)
  }

  /// Puts the pieces of one packet on the RX ring as they are said to be.
  static func put(_ rig: SimulatedRig, pieces: Int, open: Bool = false, bad: Int? = nil, length: UInt32 = 100) throws {
    for piece in 0..<pieces {
      let address = try #require(rig.takeFrame())
      let options = piece + 1 < pieces || open ? Descriptor.continues : 0
      let place = piece == bad ? rig.umem.layout.size + 64 : address
      #expect(rig.receive(raw: Descriptor(address: place, length: length, options: options)))
    }
  }

  /// Steps and gathers whole packets that were transmitted.
  static func run(_ rig: SimulatedRig, turns: Int) -> [[UInt8]] {
    var (packets, current): ([[UInt8]], [UInt8]) = ([], [])
    for _ in 0..<turns {
      rig.step { _, bytes, continues in
        current += bytes.array
        guard !continues else { return }
        packets.append(current)
        current = []
      }
      rig.expectInvariants()
    }
    #expect(current == [], "the last packet has its end")
    return packets
  }

  @Test(arguments: [1, 2, 3, 5, 31, 64]) func `packets of any length keep bytes and order at any batch`(batch: Int)
    throws
  {
    let lengths = [9000, 60, 1792, 1793, 3584, 3585, 9014, 1, 5000, 60, 60, 16_384]
    let packets = lengths.enumerated().map { patterned($0, length: $1) }
    var seen: [Int] = []
    let rig = try Self.rig(batch: batch) { burst in
      for index in 0..<burst.count {
        seen.append(burst.length(index))
        #expect(burst.bytes(index).byteCount == min(1792, burst.length(index)))
      }
      burst.decideAll(.reflect)
    }
    rig.step()
    for packet in packets { #expect(rig.receive(packet)) }
    #expect(Self.run(rig, turns: 16) == packets)
    #expect(seen == lengths)
    #expect(rig.count(.receivedBytes) == UInt64(lengths.reduce(0, +)) && rig.receivedPackets() == 12)
    #expect(rig.count(.forwardedBytes) == rig.count(.receivedBytes) && rig.forwarded() == 12)
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [0, 1, 5]) func `a chain whose end is not there stays for the next burst`(before: Int) throws {
    var sizes: [Int] = []
    let rig = try Self.rig { burst in
      sizes.append(burst.count)
      burst.decideAll(.drop(.policy))
    }
    rig.step()
    rig.receive(count: before)
    try Self.put(rig, pieces: 2, open: true)
    for _ in 0..<3 {
      rig.step()
      #expect(rig.receivedPackets() == UInt64(before), "half a packet is no packet")
      rig.expectInvariants()
    }
    try Self.put(rig, pieces: 1)
    rig.step()
    #expect(rig.receivedPackets() == UInt64(before + 1) && rig.dropped(.policy) == UInt64(before + 1))
    #expect(sizes == (before > 0 ? [before, 1] : [1]))
    rig.drainAlone()
  }

  @Test func `a half chain at the end does not hold up the drain beyond its bound`() throws {
    let rig = try Self.rig()
    rig.step()
    try Self.put(rig, pieces: 2, open: true)
    rig.drainAlone()
    #expect(rig.receivedPackets() == 0)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7]) func `a chain across the batch's limit is taken whole`(batch: Int) throws {
    var sizes: [Int] = []
    let rig = try Self.rig(batch: batch) { burst in
      sizes.append(burst.count)
      #expect(burst.count <= batch)
      burst.decideAll(.drop(.policy))
    }
    rig.step()
    for pieces in [1, 1, 3, 1, 2, 2] { try Self.put(rig, pieces: pieces) }
    for _ in 0..<7 {
      rig.step()
      rig.expectInvariants()
    }
    #expect(sizes.reduce(0, +) == 6 && rig.dropped(.policy) == 6 && rig.count(.receivedBytes) == 1000)
    rig.drainAlone()
  }

  /// Pieces of the long packet; and how many of them the kernel publishes between two turns.
  @Test(arguments: [33, 34, 64, 100], [1, 32, 33, 100])
  func `a packet of too many descriptors is dropped as one and its frames come back`(pieces: Int, portion: Int) throws {
    let rig = try Self.rig { $0.decideAll(.delivered) }
    rig.step()
    var left = pieces
    while left > 0 {
      let now = min(left, portion)
      left -= now
      try Self.put(rig, pieces: now, open: left > 0)
      rig.step()
      rig.expectInvariants()
    }
    try Self.put(rig, pieces: 2)
    rig.step()
    #expect(rig.dropped(.tooManyFragments) == 1 && rig.count(.deliveredPackets) == 1)
    #expect(rig.receivedPackets() == 2)
    rig.step()
    #expect(rig.receiveFrames() + rig.pooled == 2048)
    rig.expectInvariants()
    rig.drainAlone()
  }

  @Test(arguments: [19, 31, 32]) func `a packet of more descriptors than the kernel transmits is dropped`(pieces: Int)
    throws
  {
    let rig = try Self.rig()
    rig.step()
    for _ in 0..<3 { try Self.put(rig, pieces: pieces) }
    #expect(Self.run(rig, turns: 4).isEmpty)
    #expect(rig.forwarded() == 0 && rig.dropped(.tooManyFragments) == 3)
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [2, 17, 18]) func `a packet of as many descriptors as the kernel makes goes through`(pieces: Int)
    throws
  {
    let rig = try Self.rig()
    rig.step()
    for _ in 0..<3 { try Self.put(rig, pieces: pieces) }
    #expect(Self.run(rig, turns: 4).count == 3)
    #expect(rig.forwarded() == 3 && rig.count(.forwardedBytes) == UInt64(300 * pieces))
    rig.settle()
    rig.drainAlone()
  }

  @Test(arguments: [1, 2, 8, 16] as [UInt32]) func `a chain longer than the RX ring does not block it for good`(
    ring: UInt32
  ) throws {
    let rig = try Self.rig(ring: ring) { $0.decideAll(.delivered) }
    rig.step()
    try Self.put(rig, pieces: Int(ring), open: true)
    rig.step()
    try Self.put(rig, pieces: 1)
    rig.step()
    rig.receive(count: 1)
    rig.step()
    #expect(rig.dropped(.tooManyFragments) == 1 && rig.count(.deliveredPackets) == 1)
    rig.drainAlone()
  }

  @Test(arguments: 2...5, 0..<5) func `one bad descriptor drops its packet and no other`(pieces: Int, place: Int) throws
  {
    let bad = place % pieces
    let rig = try Self.rig { $0.decideAll(.delivered) }
    rig.step()
    try Self.put(rig, pieces: 3)
    try Self.put(rig, pieces: pieces, bad: bad)
    try Self.put(rig, pieces: 3)
    rig.receive(count: 2)
    rig.step()
    #expect(rig.dropped(.invalidDescriptor) == 1 && rig.count(.deliveredPackets) == 4)
    #expect(rig.receivedPackets() == 5 && rig.count(.deliveredBytes) == 720)
    rig.drainAlone()
  }

  @Test func `a chain that does not fit the TX ring is dropped whole`() throws {
    let rig = try Self.rig(ports: 2) { $0.decideAll(.forward(to: 1)) }
    rig.nics[1].faults.stallsTransmit = true
    rig.step()
    // 50 × 5 = 250 descriptors of 256; then one of 7, and one of 6.
    for _ in 0..<50 { try Self.put(rig, pieces: 5) }
    for _ in 0..<5 { rig.step() }
    try Self.put(rig, pieces: 7)
    rig.step()
    #expect(rig.forwarded() == 50 && rig.dropped(.txRingFull) == 1 && rig.transmitFrames(1) == 250)
    try Self.put(rig, pieces: 6)
    rig.step()
    #expect(rig.forwarded() == 51 && rig.transmitFrames(1) == 256)
    rig.expectInvariants()
    rig.nics[1].faults.stallsTransmit = false
    rig.settle()
    rig.drainAlone()
  }

  @Test func `a chain's length over all of its pieces counts against the MTU`() throws {
    let rig = try Self.rig { $0.decideAll(.reflect) }
    rig.setMaximumLength(300, 0)
    rig.step()
    try Self.put(rig, pieces: 3)
    try Self.put(rig, pieces: 3, length: 101)
    try Self.put(rig, pieces: 2)
    #expect(Self.run(rig, turns: 2).map(\.count) == [300, 200])
    #expect(rig.dropped(.exceedsMTU) == 1)
    rig.settle()
    rig.drainAlone()
  }
}
