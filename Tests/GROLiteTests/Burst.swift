import GROLite
import PacketHeaders
import PacketSamples

/// A burst of frames, one behind the other in an array.
struct Burst: PacketBatch {
  private(set) var storage: [UInt8] = []
  private(set) var ranges: [Range<Int>] = []
  var link = PacketSummary.LinkLayer.ethernet
  /// One for each packet, or none at all.
  var tags: [FlowTag?] = []
  var hasFlowTags: Bool { !tags.isEmpty }
  /// Bytes of each packet that are at hand; the others are in further pieces.
  var pieceLength = Int.max

  init(_ frames: [[UInt8]]) {
    for frame in frames {
      ranges.append(storage.count..<storage.count + frame.count)
      storage += frame
    }
  }

  init(_ packets: [SamplePacket]) {
    self.init(packets.map(\.frame))
    link = packets.first?.isRaw == true ? .rawIP : .ethernet
  }

  var count: Int { ranges.count }

  @_lifetime(borrow self)
  func bytes(at index: Int) -> RawSpan {
    storage.packet.extracting(ranges[index]).extracting(first: pieceLength)
  }

  func packetLength(at index: Int) -> Int { ranges[index].count }

  func flowTag(at index: Int) -> FlowTag? { hasFlowTags ? tags[index] : nil }

  func frame(_ index: Int) -> [UInt8] { Array(storage[ranges[index]]) }
}

/// A unit as a test looks at it.
struct Delivered {
  var packets: [Int]
  var unit: GROUnit
  var summary: PacketSummary

  /// TCP or UDP payload. Of a fragment of a TCP segment: what a receiver would take from it.
  var payload: Int { summary.isFragment ? unit.payloadLength - 20 : unit.payloadLength }
}

extension GROLite {
  /// Everything that the last burst delivered, in order.
  var delivered: [Delivered] {
    (0..<unitCount).map { number in
      let unit = unit(number)
      var packets: [Int] = []
      forEachPacket(of: unit) { packets.append($0) }
      return Delivered(packets: packets, unit: unit, summary: summary(of: unit))
    }
  }

  /// Takes a burst and says what it delivered.
  mutating func deliver(_ burst: Burst, now: UInt64 = 0, deliverHeld: Bool = false) -> [Delivered] {
    process(burst, now: now, deliverHeld: deliverHeld)
    return delivered
  }

  mutating func deliver(_ packets: [SamplePacket]) -> [Delivered] { deliver(Burst(packets)) }
}

/// What one burst delivers, as payload lengths.
func payloads(_ packets: [SamplePacket], _ mode: GROConfiguration.Mode = .chain) -> [Int] {
  var gro = GROLite(GROConfiguration(mode: mode))
  return gro.deliver(packets).map(\.payload)
}

/// What one burst delivers, as the packets' indices.
func chains(_ packets: [SamplePacket], _ mode: GROConfiguration.Mode = .chain) -> [[Int]] {
  var gro = GROLite(GROConfiguration(mode: mode))
  return gro.deliver(packets).map(\.packets)
}
