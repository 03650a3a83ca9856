import CXsk
import Forwarder
import Glibc
import XSKEngine

/// Has the kernel look for neighbours, and verify those that are in use: packets that the forwarder sends are none of the
/// kernel's, so it would do neither by itself.
///
/// It is asked by RTM_NEWNEIGH with NTF_USE, as if a packet of its own had been on the way there. That leaves nothing behind: an
/// entry which nobody asks for any more ages like all others. (NTF_EXT_MANAGED would have the kernel do the asking, but the
/// entries would stay when this process is gone.) Without CAP_NET_ADMIN, and for IPv6 on a device without a link-local address, an
/// empty UDP datagram to the neighbour's discard port does as well, if the device has an address.
struct Resolver {
  /// Nanoseconds. A neighbour is looked for once a second at most: that is as long as the kernel waits for an answer; one that
  /// does not answer less and less often.
  static let pause: UInt64 = 1_000_000_000
  static let longestPause: UInt64 = 30_000_000_000
  /// How often gateways, and other neighbours that are stale, are verified.
  static let gatewayPause: UInt64 = 15_000_000_000
  static let neighbourPause: UInt64 = 60_000_000_000
  /// Neighbours that were asked for, at most: beyond that requests are forgotten until older ones are.
  static let capacity = 16_384
  /// Requests in one go.
  static let burst = 1024

  private struct Attempt {
    var next: UInt64
    var pause: UInt64
  }

  private var socket: RoutingSocket
  private var attempts: [NeighbourKey: Attempt] = [:]
  private var nextGateways: UInt64 = 0
  private var nextNeighbours: UInt64 = 0
  private var usesDatagrams = false
  private(set) var requests: UInt64 = 0

  init() throws(XSKError) { socket = try RoutingSocket() }

  /// Looks for a neighbour, unless that was done a moment ago.
  ///
  /// - Returns: whether the kernel was asked.
  @discardableResult
  mutating func resolve(_ key: NeighbourKey, _ model: KernelModel, now: UInt64) -> Bool {
    let attempt = attempts[key]
    guard (attempt?.next ?? 0) <= now, attempt != nil || attempts.count < Self.capacity else { return false }
    let pause = min(Self.longestPause, attempt.map { $0.pause * 2 } ?? Self.pause)
    attempts[key] = Attempt(next: now + pause, pause: pause)
    ask(key, model)
    return true
  }

  /// What is due: gateways that are not known are looked for, those that are known, and other stale neighbours, verified.
  mutating func tend(_ model: KernelModel, now: UInt64) {
    var left = Self.burst
    for key in model.gateways where model.neighbours[key] == nil && left > 0 && isOfUse(key, model) {
      if resolve(key, model, now: now) { left -= 1 }
    }
    attempts = attempts.filter { key, attempt in
      // Found, or nobody has asked for twice as long as it would have taken to be asked for again.
      model.neighbours[key] == nil && attempt.next + 2 * attempt.pause > now
    }
    if now >= nextGateways {
      nextGateways = now + Self.gatewayPause
      for key in model.gateways where left > 0 && verify(key, model) { left -= 1 }
    }
    guard now >= nextNeighbours else { return }
    nextNeighbours = now + Self.neighbourPause
    for (key, neighbour) in model.neighbours where left > 0 && neighbour.state & KernelNeighbour.stale != 0 {
      if model.places[key.device] != nil, verify(key, model) { left -= 1 }
    }
  }

  /// When something is due next.
  func deadline(_ model: KernelModel) -> UInt64 {
    var deadline = min(nextGateways, nextNeighbours)
    for key in model.gateways where model.neighbours[key] == nil && isOfUse(key, model) {
      deadline = min(deadline, attempts[key]?.next ?? (attempts.count < Self.capacity ? 0 : .max))
    }
    return deadline
  }

  private func isOfUse(_ key: NeighbourKey, _ model: KernelModel) -> Bool {
    guard model.links[key.device]?.isUsable == true, let place = model.places[key.device] else { return false }
    return model.mac(key.address, on: key.device, place) == nil
  }

  private mutating func verify(_ key: NeighbourKey, _ model: KernelModel) -> Bool {
    // What is permanent would lose that by being used in this way (NEIGH_UPDATE_F_USE), and needs no verification.
    guard let neighbour = model.neighbours[key], neighbour.state & KernelNeighbour.fixed == 0 else { return false }
    ask(key, model)
    return true
  }

  private mutating func ask(_ key: NeighbourKey, _ model: KernelModel) {
    requests += 1
    if !usesDatagrams, !needsSource(key, model) {
      let code = request(key)
      guard code == EPERM || code == EACCES || code == EOPNOTSUPP else { return }
      usesDatagrams = true
    }
    // Four or sixteen bytes are read, by the family. Without an answer: it is known by what the kernel says of the neighbour.
    _ = unsafe cxsk_udp_nudge(key.device, key.address.family == AddressFamily.ipv6, key.address.bytes)
  }

  /// Without a packet the kernel solicits from the device's link-local address alone (ndisc_send_ns()): where there is none, it
  /// takes a packet.
  private func needsSource(_ key: NeighbourKey, _ model: KernelModel) -> Bool {
    guard case .ipv6 = key.address else { return false }
    return model.addresses[key.device]?.contains { $0.address.isLinkLocal } != true
  }

  /// - Returns: the kernel's refusal, or 0.
  private mutating func request(_ key: NeighbourKey) -> CInt {
    var request = NetlinkRequest(
      type: MessageType.neighbour, flags: NetlinkRequest.acknowledged | NetlinkRequest.create,
      sequence: socket.nextSequence())
    // struct ndmsg: family, device, NUD_NONE, NTF_USE.
    request.append(UInt32(key.address.family))
    request.append(key.device)
    request.append(UInt16(0))
    request.append(UInt16(1))
    request.append(attribute: 1, key.address.bytes)
    let code = socket.send(request)
    guard code == 0 else { return code }
    // The kernel has answered within send(2).
    var (answer, refusal) = ([UInt8](repeating: 0, count: 4096), CInt(0))
    while case .bytes(let count) = socket.receive(into: &answer) {
      _ = NetlinkBytes.forEachMessage(answer, count: count) { header, body in
        if header.type == NetlinkHeader.error { refusal = -(body.number(as: Int32.self) ?? 0) }
      }
    }
    return refusal
  }
}
