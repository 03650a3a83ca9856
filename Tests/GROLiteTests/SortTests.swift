import GROLite
import PacketHeaders
import PacketSamples
import Testing

@Suite struct SortTests {
  @Test func aFillerJoinsWhatLiesOnBothItsSides() {
    #expect(chains([data(0), data(200), data(100)]) == [[0, 2, 1]])
    #expect(chains([data(0), data(300), data(100), data(400), data(200)]) == [[0, 2, 4, 1, 3]])
  }

  @Test(arguments: [false, true], [2, 3, 64, 300, 1024])
  func aShuffledBurstIsOneAggregate(isIPv6: Bool, count: Int) {
    var random = SeededGenerator(UInt64(count))
    for start in [UInt32(0), UInt32.max - 500] {
      let order = Array(0..<count).shuffled(using: &random)
      let packets = order.map { place in
        data(start &+ UInt32(place * 20), 20) {
          ($0.isIPv6, $0.identification) = (isIPv6, UInt16(truncatingIfNeeded: 65_530 + place))
        }
      }
      let expected = (0..<count).map { order.firstIndex(of: $0)! }
      #expect(chains(packets) == [expected])
      #expect(chains(packets, .linear) == [expected])
    }
  }

  @Test func aReversedBurstIsOneAggregate() {
    #expect(chains((0..<40).reversed().map { data(UInt32($0 * 100)) }) == [Array((0..<40).reversed())])
  }

  @Test func duplicatesAreDeliveredBesideEachOther() {
    #expect(chains([data(0), data(100), data(0), data(200)]) == [[0], [2, 1, 3]])
    #expect(chains([data(0), data(0), data(0)]) == [[0], [1], [2]])
  }

  @Test func unitsOfAFlowComeInSequence() {
    // A gap at 200: the late 0 comes before what had begun at 300.
    #expect(chains([data(300), data(0), data(400), data(100)]) == [[1, 3], [0, 2]])
    var gro = GROLite()
    #expect(gro.deliver([data(300), data(0), data(400), data(100)]).map(\.unit.place) == [0, 0])
  }

  @Test func otherFlowsKeepTheirPlaces() {
    let other = data(0) { $0.sourcePort = 9 }
    let packets = [data(300), other, data(0), other.with { $0.sequence = 100 }, data(400)]
    #expect(chains(packets) == [[2], [0, 4], [1, 3]])
    #expect(chains([data(0), other, data(200), other.with { $0.sequence = 100 }]) == [[0], [1, 3], [2]])
  }

  @Test func nothingIsSortedPastWhatEndsTheEpoch() {
    let acknowledgement = data(300, 0)
    #expect(chains([data(100), acknowledgement, data(0)]) == [[0], [1], [2]])
    #expect(chains([data(200), data(100), acknowledgement, data(0), data(300)]) == [[1, 0], [2], [3], [4]])
    #expect(chains([data(100), data(0) { $0.window = 3 }, data(200)]) == [[0], [1], [2]])
  }

  @Test func aShortSegmentClosesInSequenceNotInArrival() {
    #expect(chains([data(200, 50), data(0), data(100), data(250)]) == [[1, 2, 0], [3]])
  }

  @Test func farSequencesAreNotSorted() {
    #expect(chains([data(0), data(0x8000_0000), data(100)]) == [[0], [1], [2]])
    #expect(chains([data(0x6000_0000), data(0)]) == [[0], [1]])
  }

  @Test func aBadChecksumIsSortedButNotMerged() {
    let bad = data(100) { $0.checksumError = 1 }
    #expect(chains([data(200), bad, data(0), data(300)], .linear) == [[2], [1], [0, 3]])
  }
}
