import Forwarder
import XSKEngine

/// The kernel's tables: read as a whole, and then followed by what the kernel says when something changes.
///
/// Two sockets, as a dump and notifications on one could not be told from each other's ends. What is said while a dump is
/// read waits, and is applied behind it in order: saying again what the dump had already does no harm, as the last word on each
/// thing counts.
struct KernelTables {
  /// RTNLGRP_LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE.
  private static let groups: [CInt] = [1, 3, 5, 7, 9, 11]
  private static let nexthopGroup: CInt = 32  // RTNLGRP_NEXTHOP, kernel 5.3.
  /// Notifications that wait for the end of a dump, in bytes: more are as good as lost.
  private static let largestBacklog = 64 << 20

  let events: RoutingSocket
  var questions: RoutingSocket
  /// For answers.
  var answers = [UInt8](repeating: 0, count: 64 << 10)
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)
  private var backlog: [[UInt8]] = []
  private var backlogBytes = 0
  private(set) var losses: UInt64 = 0
  var dumps: UInt64 = 0

  /// - Parameter receiveBuffer: bytes for notifications that wait.
  init(receiveBuffer: Int) throws(XSKError) {
    events = try RoutingSocket(receiveBuffer: receiveBuffer)
    questions = try RoutingSocket(receiveBuffer: 1 << 20)
    for group in Self.groups where !events.join(group) {
      throw XSKError(
        "netlink", "the kernel tells nothing of group \(group)", remedy: "use a kernel with IPv4 and IPv6 routing")
    }
    _ = events.join(Self.nexthopGroup)
  }

  // MARK: Notifications

  /// Applies all notifications that wait, without waiting itself.
  mutating func follow(_ model: inout KernelModel) throws(XSKError) {
    for datagram in backlog { Self.apply(datagram, datagram.count, to: &model) }
    (backlog, backlogBytes) = ([], 0)
    // Bounded, so that the caller gets to do other things: the rest is taken at the next call.
    for _ in 0..<10_000 {
      switch events.receive(into: &buffer) {
      case .bytes(let count): Self.apply(buffer, count, to: &model)
      case .nothing: return
      case .lost:
        losses += 1
        model.doubts = .all
      case .failed(let code): throw Self.failure(code)
      }
    }
  }

  private static func apply(_ buffer: [UInt8], _ count: Int, to model: inout KernelModel) {
    let isWhole = NetlinkBytes.forEachMessage(buffer, count: count) { model.apply($0, $1) }
    if !isWhole { model.malformed += 1 }
  }

  /// Takes notifications aside while a dump is read.
  mutating func keepNotifications(_ model: inout KernelModel) throws(XSKError) {
    while true {
      switch events.receive(into: &buffer) {
      case .bytes(let count):
        guard backlogBytes + count <= Self.largestBacklog else {
          losses += 1
          model.doubts = .all
          continue
        }
        backlogBytes += count
        backlog.append(Array(buffer[..<count]))
      case .nothing: return
      case .lost:
        losses += 1
        model.doubts = .all
      case .failed(let code): throw Self.failure(code)
      }
    }
  }

  static func failure(_ code: CInt) -> XSKError {
    XSKError(
      "netlink", refused: "the kernel's tables can't be followed", code: code,
      remedy: "allow netlink sockets, and see that there is memory")
  }
}
