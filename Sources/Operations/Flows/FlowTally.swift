import XSKEngine

/// Packets sampled, added up by flow or address.
struct FlowTally: Sendable {
  struct Sum: Sendable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    var dropped: UInt64 = 0
    /// What became of the packets: as a rule of all of them the same.
    var fates: [Fate: UInt64] = [:]

    /// What became of most.
    var fate: Fate? { fates.max { $0.value < $1.value }?.key }
  }

  struct Fate: Hashable, Sendable {
    var decision: CapturedPacket.Decision
    var rule: UInt32?
  }

  private(set) var sums: [FlowName: Sum] = [:]
  private(set) var packets: UInt64 = 0
  private(set) var bytes: UInt64 = 0

  mutating func add(_ packet: CapturedPacket, _ name: FlowName) {
    packets += 1
    bytes += UInt64(packet.length)
    var isDropped = false
    if case .dropped = packet.decision { isDropped = true }
    let fate = Fate(decision: packet.decision, rule: packet.rule)
    // In place: a dictionary's value that is taken out and put back is copied.
    func add(to sum: inout Sum) {
      sum.packets += 1
      sum.bytes += UInt64(packet.length)
      if isDropped { sum.dropped += 1 }
      sum.fates[fate, default: 0] += 1
    }
    add(to: &sums[name, default: Sum()])
  }

  /// The largest, in order.
  func top(_ count: Int, by order: FlowsRequest.Order) -> [(name: FlowName, sum: Sum)] {
    func size(_ sum: Sum) -> (UInt64, UInt64) {
      order == .bytes ? (sum.bytes, sum.packets) : (sum.packets, sum.bytes)
    }
    return sums.sorted { size($0.value) > size($1.value) }.prefix(count).map { ($0.key, $0.value) }
  }
}
