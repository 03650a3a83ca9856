import Forwarder
import Glibc
import KernelRoutes
import Synchronization
import Testing
import XSKEngine
import XSKLab

/// A router with two ports, each on a cable to a namespace of its own, and a device more that is none.
///
///     left ── l0 · p0 ── router ── p1 · r0 ── right        d0 ── d1 · left
struct RouterLab {
  let router: NetworkNamespace
  let left: NetworkNamespace
  let right: NetworkNamespace
  let leftCable: VethPair
  let rightCable: VethPair
  let otherCable: VethPair

  static let macs: [UInt64] = [0x0200_0000_0001, 0x0200_0000_0002]
  static let leftMAC: UInt64 = 0x0200_0000_0011
  static let rightMAC: UInt64 = 0x0200_0000_0012

  init() throws {
    (router, left, right) = (
      try NetworkNamespace("router"), try NetworkNamespace("left"), try NetworkNamespace("right")
    )
    leftCable = try VethPair(
      VethEnd(
        "p0", in: router, address: LinkAddress(number: Self.macs[0]), addresses: ["10.0.0.1/24", "2001:db8:a::1/64"]),
      VethEnd(
        "l0", in: left, address: LinkAddress(number: Self.leftMAC), addresses: ["10.0.0.2/24", "2001:db8:a::2/64"]))
    rightCable = try VethPair(
      VethEnd(
        "p1", in: router, address: LinkAddress(number: Self.macs[1]), addresses: ["10.0.1.1/24", "2001:db8:b::1/64"]),
      VethEnd(
        "r0", in: right, address: LinkAddress(number: Self.rightMAC), addresses: ["10.0.1.2/24", "2001:db8:b::2/64"]))
    otherCable = try VethPair(
      VethEnd("d0", in: router, addresses: ["10.0.9.1/24", "2001:db8:9::1/64"]), VethEnd("d1", in: left))
  }

  /// Runs lines of ip(8) in the router, in one go.
  func ip(_ lines: String...) throws { try ip(lines, in: router) }

  func ip(_ lines: [String], in namespace: NetworkNamespace, timeout: Duration = .seconds(60)) throws {
    let file = "/tmp/xsk-routes-\(getpid())-\(UInt64.random(in: 0 ... .max)).txt"
    try lines.joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
    // unlink(2) reads the text.
    defer { unsafe unlink(file) }
    let result = try namespace.run(["ip", "-batch", file], timeout: timeout)
    guard result.succeeded else {
      throw XSKError("ip", "\(lines.prefix(3)): \(result.errors)", remedy: "mend the test")
    }
  }

  static var configuration: ForwarderConfiguration {
    var configuration = ForwarderConfiguration(ports: [
      ForwarderPort("left", device: "p0"), ForwarderPort("right", device: "p1"),
    ])
    configuration.kernelRoutes = KernelRouteSettings()
    return configuration
  }

  func follow(
    _ configuration: ForwarderConfiguration = Self.configuration, receiveBuffer: Int = 1 << 20,
    delay: @escaping @Sendable () -> Void = {}
  ) throws -> FollowedRoutes {
    let routes = FollowedRoutes()
    let started = try router.run {
      try KernelRouteFollower.start(
        configuration, receiveBuffer: receiveBuffer, onProblem: { routes.note($0) },
        onUpdate: {
          routes.take($0)
          delay()
        })
    }
    routes.begin(started.follower, started.first)
    return routes
  }
}

/// The last plan of a follower. Stops it in the end.
final class FollowedRoutes: Sendable {
  private struct State {
    var follower: KernelRouteFollower?
    var plan = RoutePlan()
    var updates = 0
    var times: [ContinuousClock.Instant] = []
    var changes: [RouteChanges] = []
    var problems: [XSKError] = []
  }

  private let state = Mutex(State())

  fileprivate func begin(_ follower: KernelRouteFollower, _ first: RouteUpdate) {
    state.withLock {
      $0.follower = follower
      if $0.updates == 0 { $0.plan = first.plan }
    }
  }

  fileprivate func take(_ update: RouteUpdate) {
    state.withLock {
      $0.plan = update.plan
      $0.updates += 1
      $0.times.append(.now)
      $0.changes.append(update.changes)
    }
  }

  fileprivate func note(_ problem: XSKError) { state.withLock { $0.problems.append(problem) } }

  deinit { state.withLock { $0.follower }?.stop() }

  var follower: KernelRouteFollower {
    guard let follower = state.withLock({ $0.follower }) else { fatalError("not started") }
    return follower
  }
  var plan: RoutePlan { state.withLock { $0.plan } }
  var updates: Int { state.withLock { $0.updates } }
  var times: [ContinuousClock.Instant] { state.withLock { $0.times } }
  var changes: [RouteChanges] { state.withLock { $0.changes } }
  var problems: [XSKError] { state.withLock { $0.problems } }

  /// Where packets to an address go, by the last plan.
  func hop(_ address: String) -> NextHop? { plan.hop(address) }

  /// Waits until packets to an address go somewhere.
  func reaches(_ address: String, _ condition: (NextHop?) -> Bool) -> Bool {
    eventually { condition(hop(address)) }
  }

  func leads(_ address: String, to mac: UInt64, port: UInt8) -> Bool {
    reaches(address) {
      $0?.kind == .neighbour && $0?.destination == mac && $0?.port == port
        && $0?.source == RouterLab.macs[Int(port)]
    }
  }

  func becomes(_ address: String, _ kind: NextHop.Kind?) -> Bool { reaches(address) { $0?.kind == kind } }
}

extension RoutePlan {
  /// The longest match, looked for the simple way.
  func hop(_ text: String) -> NextHop? {
    switch IPAddress(text) {
    case .ipv4(let number): Self.value(ipv4, number).map { hops[Int($0)] }
    case .ipv6(let number): Self.value(ipv6, number).map { hops[Int($0)] }
    case nil: nil
    }
  }

  private static func value<Address: IPAddressNumber>(_ list: RouteList<Address>, _ address: Address) -> UInt32? {
    for length in stride(from: Address.bitWidth, through: 0, by: -1) {
      if let value = list[IPPrefix(masking: address, length: length)] { return value }
    }
    return nil
  }
}
