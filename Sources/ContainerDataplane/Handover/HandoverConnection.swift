import CXsk
import Glibc

/// A connection of a client, on the endpoint's thread.
final class HandoverConnection {
  let descriptor: CInt
  private(set) var deadline: Double
  private(set) var isDone = false
  /// A socket is on its way: nobody else is served before that is over.
  var isMapping: Bool { unbound != nil }
  /// Its process is not the tenant's. It is told so when it has said something, and not before: a client that writes to a
  /// closed connection is killed by SIGPIPE.
  private let isRefused: Bool
  /// Why its process can be given no socket; nil: it can.
  private let danger: String?
  /// What its process was handed, and has to say of that it has mapped it.
  private var unbound: PreparedSocket?
  private var requests = 0
  /// One byte more than a message has at most.
  private var buffer = [UInt8](repeating: 0, count: HandoverCommand.mostBytesOfOurs + 1)

  init(_ descriptor: CInt, isRefused: Bool, danger: String?, deadline: Double) {
    self.descriptor = descriptor
    self.isRefused = isRefused
    self.danger = danger
    self.deadline = deadline
  }

  deinit { close(descriptor) }

  /// Takes one message and answers it.
  ///
  /// - Returns: units of work that it took.
  func serve(_ service: HandoverService, _ limits: HandoverLimits, now: Double) -> Double {
    var descriptors: [CInt] = [-1, -1]
    var (count, whole): (CInt, CInt) = (0, 1)
    // Safe: at most the sizes given are written.
    let length = unsafe cxsk_packet_receive(descriptor, &buffer, buffer.count, &descriptors, 2, &count, &whole)
    let received = Array(descriptors.prefix(Int(count)))
    defer { for descriptor in received { close(descriptor) } }
    guard length != -Int(EAGAIN) else { return 1 }
    if let unbound {
      conclude(unbound, isWhole(length, whole) ? HandoverCommand(buffer.prefix(length)) : nil, service)
      deadline = now + limits.idleSeconds
      return 1
    }
    requests += 1
    // A message that no client of the protocol sends, the end, or an error: nobody is there to be answered.
    guard isWhole(length, whole) else {
      if length > 0 { service.counters.add(\.malformed) }
      isDone = true
      return 1
    }
    guard !isRefused, requests <= limits.requests else {
      send(HandoverReply(text: "/host_nak", closes: true))
      return 1
    }
    deadline = now + limits.idleSeconds
    let command = HandoverCommand(buffer.prefix(length))
    let reply = service.answer(command, received, danger: danger)
    send(reply)
    if let prepared = reply.unbound {
      unbound = prepared
      // From now on: to make it may have taken two seconds.
      deadline = HandoverServer.now + limits.mapSeconds
      if isDone { end(service, because: "its process does not read") }
    }
    if case .socket = command { return limits.socketCost }
    return 1
  }

  private func isWhole(_ length: Int, _ whole: CInt) -> Bool {
    length > 0 && whole != 0 && length <= HandoverCommand.mostBytesOfOurs
  }

  /// Takes what its process says while it has an unbound socket; nil: its end, or what is no message.
  private func conclude(_ prepared: PreparedSocket, _ command: HandoverCommand?, _ service: HandoverService) {
    unbound = nil
    guard command == .mapped else {
      service.giveUp(
        prepared, because: "its process \(command == nil ? "hung up" : "said something else") before it was mapped")
      isDone = true
      return
    }
    send(service.settle(prepared))
  }

  /// Its time is over, or the service ends.
  func end(_ service: HandoverService, because reason: String) {
    isDone = true
    guard let prepared = unbound else { return }
    unbound = nil
    service.giveUp(prepared, because: reason)
  }

  /// Sends a reply without waiting; a client that does not read is none.
  private func send(_ reply: HandoverReply) {
    if let bytes = reply.bytes {
      // Safe: as many bytes and descriptors as said. The reply keeps its descriptors open through the call.
      let sent = unsafe cxsk_packet_send(
        descriptor, bytes, bytes.count, reply.descriptors, CInt(reply.descriptors.count))
      if sent < 0 { isDone = true }
    }
    withExtendedLifetime(reply) { if reply.closes { isDone = true } }
  }
}
