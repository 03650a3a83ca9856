import Testing

@testable import XSKEngine

/// The view of a burst that GRO reads through.
@Suite struct BurstPacketsTests {
  @Test func `it shows what the burst shows, of packets in pieces too`() throws {
    let lengths = [60, 1792, 1793, 9000, 1, 5000]
    var seen: [(whole: Int, bytes: [UInt8])] = []
    let rig = try MultiBufferTests.rig { burst in
      let packets = burst.packets
      #expect(packets.count == burst.count)
      for index in 0..<packets.count {
        packets.prefetch(at: index)
        #expect(packets.bytes(at: index).array == burst.bytes(index).array)
        #expect(packets.packetLength(at: index) == burst.length(index))
        seen.append((packets.packetLength(at: index), packets.bytes(at: index).array))
      }
      burst.decideAll(.drop(.policy))
    }
    let sent = lengths.enumerated().map { patterned($0, length: $1) }
    rig.step()
    for packet in sent { #expect(rig.receive(packet)) }
    rig.step()
    #expect(seen.map(\.whole) == lengths)
    #expect(seen.map(\.bytes) == sent.map { Array($0.prefix(1792)) })
    rig.expectInvariants()
  }

  @Test(arguments: [false, true])
  func `a packet received by its first bytes has those, and its whole length`(evicting: Bool) throws {
    let head: [UInt8] = Array(1...64)
    var seen: [[UInt8]] = []
    let rig = try MultiBufferTests.rig { burst in
      for index in 0..<burst.count {
        #expect(burst.length(index) == 1514)
        seen.append(Array(burst.bytes(index).array.prefix(64)))
      }
      burst.decideAll(.drop(.policy))
    }
    rig.step()
    // Any bit pattern is a byte.
    #expect(rig.nics[0].receive(head: unsafe head.span.bytes, length: 1514, evicting: evicting))
    #expect(!rig.nics[0].receive(head: unsafe head.span.bytes, length: 63), "a packet shorter than its head")
    rig.step()
    #expect(seen == [head])
    rig.expectInvariants()
  }

  @Test func `an order of leaving means nothing to packets that are all dropped`() throws {
    let rig = try MultiBufferTests.rig { burst in
      for index in stride(from: burst.count - 1, through: 0, by: -1) { burst.sequence(index) }
    }
    rig.step()
    for index in 0..<5 { #expect(rig.receive(patterned(index, length: 60))) }
    rig.step()
    #expect(rig.dropped(.policy) == 5)
    rig.expectInvariants()
  }
}
