import GROLite
import PacketHeaders
import PacketSamples
import Testing

/// The short way that most packets of an aggregate take: it must say what the long one says.
@Suite struct TwinTests {
  /// `count` full segments whose identifications count up from `first`.
  static func run(from first: Int, _ count: Int) -> [SamplePacket] {
    (0..<count).map { place in
      data(UInt32(place * 10), 10) { $0.identification = UInt16(truncatingIfNeeded: first + place) }
    }
  }

  static func headerChecksum(_ frame: [UInt8]) -> Int { Int(frame[24]) << 8 | Int(frame[25]) }

  /// The identification that makes the header's checksum 0: each step up is a step down of the checksum.
  static let zeroChecksum = headerChecksum(run(from: 0, 1)[0].frame)

  @Test func `identifications count up past their own end and the checksum's`() {
    var gro = GROLite()
    for first in Array(65_400..<65_536) + Array(Self.zeroChecksum - 200..<Self.zeroChecksum + 200) {
      #expect(gro.deliver(Self.run(from: first, 6)).map(\.packets) == [[0, 1, 2, 3, 4, 5]], "from \(first)")
    }
  }

  @Test func `a checksum that only counts down is not taken for right`() {
    // Behind a checksum of 0 comes 0xFFFE; where the identification wraps it stays as it is.
    #expect(Self.headerChecksum(Self.run(from: Self.zeroChecksum, 1)[0].frame) == 0)
    for last in [Self.zeroChecksum, 0xFFFF] {
      let right = Self.run(from: last - 3, 6).map(\.frame)
      var wrong = right
      let counted = UInt16(truncatingIfNeeded: Self.headerChecksum(right[3]) - 1)
      #expect(Int(counted) != Self.headerChecksum(right[4]))
      (wrong[4][24], wrong[4][25]) = (UInt8(counted >> 8), UInt8(counted & 0xFF))
      var gro = GROLite()
      #expect(gro.deliver(Burst(right)).map(\.packets) == [[0, 1, 2, 3, 4, 5]])
      #expect(gro.deliver(Burst(wrong)).map(\.packets) == [[0, 1, 2, 3], [4], [5]])
    }
  }

  @Test func `the second packet's identification is the first's or one more`() {
    var gro = GROLite()
    for step in Array(0..<300) + Array(65_200..<65_536) {
      // Those that follow count up. If the second packet begins a unit, they continue it.
      let packets = [data(0, 10)] + Self.run(from: step - 1, 4).dropFirst()
      let expected = step == 0 ? [[0, 1], [2, 3]] : step == 1 ? [[0, 1, 2, 3]] : [[0], [1, 2, 3]]
      #expect(gro.deliver(packets).map(\.packets) == expected, "\(step) more")
    }
  }

  @Test func `flows of two protocols with the same ports do not mix`() {
    let packets: [SamplePacket] = (0..<16).map { (place: Int) -> SamplePacket in
      data(UInt32(place / 2 * 10), 10) {
        $0.transport = place % 2 == 0 ? .tcp : .udp
        $0.identification = UInt16(place / 2)
      }
    }
    let even = Array(stride(from: 0, to: 16, by: 2))
    let odd = Array(stride(from: 1, to: 16, by: 2))
    #expect(chains(packets) == [even, odd])
  }

  @Test func `a full unit is followed by another`() {
    // 65,495 bytes fit: 44 segments of 1,460.
    let packets = (0..<200).map { place in
      data(UInt32(place * 1460), 1460) { $0.identification = UInt16(place) }
    }
    for mode in [GROConfiguration.Mode.chain, .linear] {
      #expect(chains(packets, mode).map(\.count) == [44, 44, 44, 44, 24])
    }
  }

  @Test func `what the burst before was like makes no difference`() {
    // After a burst of flows of their own another loop takes the packets.
    let separate = FlowTableTests.interleaved(flows: 64, rounds: 1)
    var random = SeededGenerator(23)
    for trouble in [false, true] {
      for _ in 0..<150 {
        let packets = Array(SampleTraffic(&random, trouble: trouble).packets.prefix(1024))
        var gro = GROLite()
        #expect(gro.deliver(separate).count == 64)
        #expect(gro.deliver(packets).map(\.packets) == chains(packets))
      }
    }
  }
}
