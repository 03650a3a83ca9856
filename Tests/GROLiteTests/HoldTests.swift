import GROLite
import PacketSamples
import Testing

/// A caller that keeps held packets and presents them again, and names every packet by its place in the traffic.
struct HoldingCaller: ~Copyable {
  var gro: GROLite
  private var held: [(name: Int, frame: [UInt8])] = []
  private var taken = 0

  init(_ configuration: GROConfiguration) { gro = GROLite(configuration) }

  var heldNames: [Int] { held.map(\.name) }

  mutating func take(_ frames: [[UInt8]], now: UInt64 = 0, deliverHeld: Bool = false) -> [[Int]] {
    let fresh = frames.enumerated().map { (name: taken + $0, frame: $1) }
    taken += frames.count
    let all = held + fresh
    let delivered = gro.deliver(Burst(all.map(\.frame)), now: now, deliverHeld: deliverHeld)
    held = (0..<gro.heldCount).map { all[gro.heldPacket($0)] }
    return delivered.map { $0.packets.map { all[$0].name } }
  }

  mutating func take(_ packets: [SamplePacket], now: UInt64 = 0) -> [[Int]] { take(packets.map(\.frame), now: now) }
}

@Suite struct HoldTests {
  static let configuration = GROConfiguration(capacity: 64, holdTime: 50_000, holdLimit: 16)

  @Test func nothingIsHeldUnlessConfigured() {
    var caller = HoldingCaller(GROConfiguration())
    #expect(caller.take([data(0), data(100)]) == [[0, 1]])
    #expect(caller.heldNames.isEmpty)
  }

  @Test func anAggregateGoesOnInTheNextBurst() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(0), data(100)], now: 1_000).isEmpty)
    #expect(caller.heldNames == [0, 1])
    #expect(caller.take([data(200), data(300, 50), data(350)], now: 2_000) == [[0, 1, 2, 3]])
    #expect(caller.heldNames == [4])
  }

  @Test func sortingAndJoiningWorkAcrossBursts() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(200), data(0)]).isEmpty)
    #expect(caller.take([data(100), data(300) { $0.tcpFlags = 0x18 }]) == [[1, 2, 0, 3]])
  }

  @Test func holdingEndsWithTime() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(0)], now: 1_000).isEmpty)
    #expect(caller.take([data(100)], now: 40_000).isEmpty)
    #expect(caller.take([SamplePacket](), now: 50_999).isEmpty)
    #expect(caller.take([data(200)], now: 51_000) == [[0, 1, 2]])
    #expect(caller.heldNames.isEmpty)
  }

  @Test func holdingIsBoundedByCount() {
    var caller = HoldingCaller(Self.configuration)
    let packets = (0..<20).map { place in data(0) { $0.sourcePort = UInt16(place + 1) } }
    #expect(caller.take(packets).count == 4)
    #expect(caller.heldNames.count == 16)
    #expect(
      caller.take((0..<17).map { data(UInt32(100 + $0 * 10), 10) { $0.sourcePort = 99 } }).flatMap { $0 }.count >= 17)
    #expect(caller.heldNames.count <= 16)
  }

  @Test func whatCannotGrowIsNotHeld() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(0), data(100) { $0.tcpFlags = 0x18 }]) == [[0, 1]])
    #expect(caller.take([data(0), data(100, 0)]) == [[2], [3]])
    #expect(caller.take([data(0), data(100, 50), data(150, 50), data(200, 20)]) == [[4, 5], [6, 7]])
    #expect(caller.heldNames.isEmpty)
  }

  @Test func whatFollowsInAFlowWaitsForWhatIsHeld() {
    var caller = HoldingCaller(Self.configuration)
    // A gap: the first unit may yet be continued, so the closed one behind it waits too.
    #expect(caller.take([data(0), data(200) { $0.tcpFlags = 0x18 }]).isEmpty)
    #expect(caller.take([data(100)]) == [[0, 2, 1]])
  }

  @Test func whatEndsTheEpochDeliversWhatWasHeldFirst() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(0), data(100)]).isEmpty)
    #expect(caller.take([data(200, 0)]) == [[0, 1], [2]])
  }

  @Test func everythingIsDeliveredOnDemand() {
    var caller = HoldingCaller(Self.configuration)
    #expect(caller.take([data(0), data(100)]).isEmpty)
    #expect(caller.take([], deliverHeld: true) == [[0, 1]])
    #expect(caller.heldNames.isEmpty)
  }
}
