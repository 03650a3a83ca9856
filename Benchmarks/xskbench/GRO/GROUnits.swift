import Forwarder
import GROLite
import PacketHeaders
import XSKEngine

/// Chain mode: every unit is looked at and dropped. (The worker counts them.)
struct ChainUnits: UnitHandler {
  @inline(__always)
  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    // What a policy would look at; no packet has this protocol number (253: for experiments).
    return gro.summary(of: unit).key.ipProtocol.rawValue == 253 ? .reflect : .drop(.policy)
  }
}

/// Linear mode: of each unit the pieces that one `writev` to a TAP device would take, and no system call.
struct LinearUnits: UnitHandler, ~Copyable {
  private var list: GatherList

  /// - Parameter capacity: packets of a burst at most.
  init(capacity: Int) { list = GatherList(packets: capacity) }

  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
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
