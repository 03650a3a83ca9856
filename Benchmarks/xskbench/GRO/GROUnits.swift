import Forwarder
import GROLite
import PacketHeaders
import XSKEngine

/// What is done with units, and a count of them.
protocol CountingUnits: UnitHandler, ~Copyable {
  var packets: Int { get }
  var units: Int { get }
}

/// Chain mode: every unit is looked at and dropped.
struct ChainUnits: CountingUnits {
  private(set) var packets = 0
  private(set) var units = 0

  @inline(__always)
  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    packets &+= unit.count
    units &+= 1
    // What a policy would look at; no packet has this protocol number (253: for experiments).
    return gro.summary(of: unit).key.ipProtocol.rawValue == 253 ? .reflect : .drop(.policy)
  }
}

/// Linear mode: of each unit the pieces that one `writev` to a TAP device would take, and no system call.
struct LinearUnits: CountingUnits, ~Copyable {
  private(set) var packets = 0
  private(set) var units = 0
  private var list: GatherList

  /// - Parameter capacity: packets of a burst at most.
  init(capacity: Int) { list = GatherList(packets: capacity) }

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    packets &+= unit.count
    units &+= 1
    list.clear()
    guard unit.form == .linear else {
      list.addHeaders(VirtioNetHeader())
      list.add(burst.bytes(unit.first))
      return .delivered
    }
    var room = list.room
    let header = gro.writeSuperFrameHeader(of: unit, burst.packets, to: &room)
    list.addHeaders(header)
    gro.forEachPayload(of: unit) { index, offset, length in
      list.add(burst.bytes(index).extracting(offset..<offset &+ length))
    }
    return .delivered
  }
}
