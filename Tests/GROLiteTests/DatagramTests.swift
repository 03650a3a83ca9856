import GROLite
import PacketSamples
import Testing

@Suite struct DatagramTests {
  static func datagram(_ length: Int, _ change: (inout SamplePacket) -> Void = { _ in }) -> SamplePacket {
    var packet = SamplePacket { ($0.transport, $0.payload) = (.udp, SamplePacket.fill(length)) }
    change(&packet)
    return packet
  }

  @Test(arguments: [false, true], [GROConfiguration.Mode.chain, .linear])
  func equalSizesMergeAndAShorterOneCloses(isIPv6: Bool, mode: GROConfiguration.Mode) {
    let packets = [50, 50, 50, 20, 50, 50, 60, 60].map { Self.datagram($0) { $0.isIPv6 = isIPv6 } }
    #expect(payloads(packets, mode) == [170, 100, 120])
  }

  @Test(arguments: [false, true])
  func sixtyFourSegmentsAreTheMost(isIPv6: Bool) {
    let packets = (0..<130).map { _ in Self.datagram(8) { $0.isIPv6 = isIPv6 } }
    #expect(payloads(packets) == [512, 512, 16])
    #expect(payloads(packets, .linear) == [512, 512, 16])
    // A shorter one may still be the 64th.
    #expect(payloads(Array(packets[..<63]) + [Self.datagram(5) { $0.isIPv6 = isIPv6 }, packets[0]]) == [509, 8])
  }

  @Test func aUnitHasAtMost65535BytesFromTheIPHeader() {
    let packets = (0..<50).map { _ in Self.datagram(1472) }
    #expect(payloads(packets) == [1472 * 44, 1472 * 6])
  }

  @Test func identificationIsRuledAsForTCP() {
    let numbers: [UInt16] = [5, 6, 7, 7, 7, 9]
    #expect(
      chains(numbers.map { number in Self.datagram(10) { $0.identification = number } }) == [[0, 1, 2], [3, 4], [5]])
  }

  @Test func orderOfArrivalIsKept() {
    let packets = [10, 12, 10, 12, 10].map { Self.datagram($0) }
    #expect(chains(packets) == [[0], [1, 2], [3, 4]])
  }

  @Test func lengthsSurvive() {
    var gro = GROLite()
    let delivered = gro.deliver([50, 50, 50, 20].map { Self.datagram($0) })
    var pieces: [[Int]] = []
    gro.forEachPayload(of: delivered[0].unit) { pieces.append([$0, $1, $2]) }
    #expect(pieces == [[0, 42, 50], [1, 42, 50], [2, 42, 50], [3, 42, 20]])
    #expect(delivered[0].unit.segmentSize == 50)
  }

  @Test func aZeroChecksumInTheMiddleEndsTheAggregate() {
    let packets = (0..<6).map { place in Self.datagram(30) { $0.hasUDPChecksum = place != 3 } }
    #expect(chains(packets) == [[0, 1, 2], [3], [4, 5]])
  }
}
