import Glibc
import Synchronization
import XSKEngine

/// A tenant's socket that only wants binding: its memory is registered, its rings have their sizes, its fill ring is filled.
///
/// On kernels where the tenant's process has to map the rings first (`HandoverOrder.mappedFirst`) it gets the socket like this.
/// It can't change what the kernel was told: memory and rings are registered once. But it can bind the socket, or keep it and
/// say nothing. So:
///
/// - `reserve` has the kernel refuse any device but the tenant's own, for which it takes CAP_NET_RAW to change that, and sees that
///   the queue is free, before the socket is handed over.
/// - One at a time is on its way to a tenant's processes, for some seconds at most (`HandoverServer`).
/// - Whatever becomes of it, in the end it is bound: `settle` does so if the process has mapped it, `giveUp` if not. So every
///   socket that a tenant has occupies a queue of its own interface; who keeps it has that queue in use, and gets no other. There
///   are never more of them than queues, as if each had been bound before. (A daemon that is killed may leave one unbound besides.)
///   Until it is bound, nobody is served: the queue may be the passing socket's of `reserve` still (`UnsettledSocket`).
struct PreparedSocket: Sendable {
  let socket: XSKSocket
  let place: SocketSource.Place
  let request: HandoverRequest

  /// How long a queue that was just given up is waited for, in milliseconds.
  static let bindPatience = 2000

  /// Puts it into its place: bound, and in the XSKMAP.
  ///
  /// - Throws: a queue that is in use, or a socket that is bound already, by whom it was handed to.
  func settle() throws(XSKError) {
    try bind()
    try place.program.insert(socket, queue: place.queue)
  }

  /// Sees to it that it can be bound to its own device only, and that its queue can be had.
  func reserve() throws(XSKError) {
    try socket.confine(to: place.device.index)
    let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .plain))
    let passing = try XSKSocket.passing(name: socket.name, umem: umem, patience: Self.bindPatience)
    try passing.bind(ifindex: place.device.index, queue: place.queue)
  }

  /// What was handed over, and is not going to be used as it was meant: it gets no packets, and is bound all the same.
  ///
  /// - Returns: false: it is not bound, and could be later.
  func giveUp() -> Bool {
    defer { takeOut() }
    do throws(XSKError) { try bind() } catch { return error.code == ENODEV || socket.isBound }
    return true
  }

  /// Takes out of the map what the process itself may have put in there: nobody else had the queue.
  func takeOut() { place.program.remove(queue: place.queue) }

  private func bind() throws(XSKError) {
    try socket.bind(ifindex: place.device.index, queue: place.queue, copying: place.program.mode == .generic)
  }
}

/// A socket of an endpoint's that was handed over and could not be bound yet: the kernel takes its time to take a queue back.
/// One at most, as one is on its way at a time.
final class UnsettledSocket: Sendable {
  private let state = Mutex<(socket: PreparedSocket, deadline: Double)?>(nil)
  /// Seconds after which it is believed never to be: then somebody who may make AF_XDP sockets has taken its queue.
  private static let patience = 60.0

  /// There is one: nobody is to be given another.
  var isThere: Bool { state.withLock { $0 != nil } }

  /// Keeps one that was refused, unless it is bound: then its process did that.
  func keep(_ prepared: PreparedSocket) {
    guard !prepared.socket.isBound else { return }
    state.withLock { $0 = (prepared, HandoverServer.now + Self.patience) }
  }

  /// Tries again, for as long as `PreparedSocket.bindPatience`.
  func settle() {
    guard let (prepared, deadline) = state.withLock({ $0 }) else { return }
    if prepared.giveUp() || HandoverServer.now >= deadline { state.withLock { $0 = nil } }
  }
}
