import CXsk
import Glibc

extension PinnedProgram {
  /// Those of some queues that the map has a socket for. One whose device is gone stays in it until it is closed.
  ///
  /// A queue that has none drops what comes to it while it is looked at, for some microseconds.
  ///
  /// - Returns: none where no AF_XDP socket can be made.
  package func queuesWithSockets(among queues: Set<Int>) -> Set<Int> {
    Self.queuesWithSockets(inMap: socketMap, among: queues)
  }

  /// As `queuesWithSockets(among:)`, of the map that is pinned in a folder; none if there is none.
  package static func queuesWithSockets(in folder: String, among queues: Set<Int>) -> Set<Int> {
    guard !queues.isEmpty else { return [] }
    // Safe: the path is a C string for the call.
    let map = unsafe cxsk_pinned_open("\(folder)/\(XDPProgram.mapName)")
    guard map >= 0 else { return [] }
    defer { close(map) }
    return queuesWithSockets(inMap: map, among: queues)
  }

  /// An XSKMAP can't be read (net/xdp/xskmap.c, xsk_map_lookup_elem_sys_only). But one that is to take a socket only where none is
  /// refuses where one is.
  private static func queuesWithSockets(inMap map: CInt, among queues: Set<Int>) -> Set<Int> {
    guard !queues.isEmpty else { return [] }
    let probe = socket(CXSK_AF_XDP, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard probe >= 0 else { return [] }
    // It leaves the places that it has got, and no others: who comes meanwhile stays.
    defer { close(probe) }
    return queues.filter { queue in
      var (key, value) = (UInt32(queue), UInt32(probe))
      // Safe: both are of the map's sizes, and read by the call.
      return unsafe cxsk_table_set(map, &key, &value, CXSK_TABLE_ADD) == -EEXIST
    }
  }
}
