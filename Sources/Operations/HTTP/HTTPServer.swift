import CXsk
import Glibc
import Synchronization
import XSKEngine

/// A small HTTP/1.1 server on one thread of its own: a few listeners, a bounded number of connections with one request
/// each, bounded in size and time.
///
/// It is not made for load but for being harmless: whatever peers do, it takes no more memory, descriptors and threads than
/// these bounds, and no time from a worker.
package final class HTTPServer: Sendable {
  package struct Listener: Sendable {
    let socket: ListeningSocket
    let router: HTTPRouter

    package init(socket: ListeningSocket, router: HTTPRouter) {
      self.socket = socket
      self.router = router
    }
  }

  /// Runs on the server's thread about every `seconds`.
  package struct Chore: Sendable {
    let seconds: Double
    let run: @Sendable () -> Void

    package init(seconds: Double, run: @escaping @Sendable () -> Void) {
      self.seconds = seconds
      self.run = run
    }
  }

  private let listeners: [Listener]
  private let limits: HTTPLimits
  private let chores: [Chore]
  private let isStopping = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(true)
  private let bell: CInt = cxsk_bell_open()

  package init(_ listeners: [Listener], limits: HTTPLimits = HTTPLimits(), chores: [Chore] = []) {
    self.listeners = listeners
    self.limits = limits
    self.chores = chores
  }

  deinit { if bell >= 0 { Glibc.close(bell) } }

  /// - Parameter prepare: runs first on the server's thread: where it is to run, with what capabilities.
  package func start(prepare: @escaping @Sendable () -> Void) throws(XSKError) {
    hasEnded.store(false, ordering: .releasing)
    do throws(XSKError) {
      try SystemThread.start("xsk-operate") { [self] in
        prepare()
        serve()
        hasEnded.store(true, ordering: .releasing)
      }
    } catch {
      hasEnded.store(true, ordering: .releasing)
      throw error
    }
  }

  /// Ends the thread and the connections; a bounded time later nothing of it runs.
  package func stop() {
    isStopping.store(true, ordering: .releasing)
    if bell >= 0 { cxsk_bell_ring(bell) }
    while !hasEnded.load(ordering: .acquiring) { usleep(500) }
    for listener in listeners { listener.socket.close() }
  }

  private func serve() {
    var connections: [HTTPConnection] = []
    var due = chores.map { _ in 0.0 }
    while !isStopping.load(ordering: .acquiring) {
      let now = MonotonicTime.now
      for (index, chore) in chores.enumerated() where now >= due[index] {
        chore.run()
        due[index] = now + chore.seconds
      }
      connections.removeAll { $0.isDone || now >= $0.deadline }
      for connection in connections { connection.look() }
      let times = due + connections.flatMap { [$0.deadline, $0.nextLook] }
      let ready = wait(connections, until: times.min() ?? .infinity)
      // Those that are there first: a crowd at the door does not push a served one out.
      for (index, connection) in connections.enumerated() {
        let now = MonotonicTime.now
        guard ready.contains(listeners.count + index) || now >= connection.nextLook else { continue }
        connection.advance(now: now) { listeners[connection.listener].router.answer($0) }
      }
      for index in listeners.indices where ready.contains(index) { accept(index, &connections) }
    }
    // What was answered a moment ago is in the kernel's hands; the rest is cut off.
    finish(connections.filter(\.isStreaming))
  }

  /// Brings streams to their ends, as far as peers take them within a second.
  private func finish(_ connections: [HTTPConnection]) {
    let end = MonotonicTime.now + 1
    for connection in connections { connection.finish() }
    while !connections.allSatisfy(\.isDone), MonotonicTime.now < end {
      for connection in connections { connection.advance(now: MonotonicTime.now) { _ in .refusal(.badRequest, "") } }
      usleep(1000)
    }
  }

  /// Waits for listeners and connections; answers the places of those that are ready, listeners first.
  private func wait(_ connections: [HTTPConnection], until time: Double) -> Set<Int> {
    var entries = listeners.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
    entries += connections.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
    entries.append(pollfd(fd: bell, events: Int16(POLLIN), revents: 0))
    let milliseconds = min(1000, max(0, (time - MonotonicTime.now) * 1000).rounded(.up))
    // Safe: the array has as many entries as it says.
    guard unsafe poll(&entries, nfds_t(entries.count), CInt(milliseconds)) > 0 else { return [] }
    return Set(entries.indices.filter { entries[$0].revents != 0 })
  }

  /// Takes a few connections; beyond the limit the listener's oldest gives way.
  private func accept(_ index: Int, _ connections: inout [HTTPConnection]) {
    let socket = listeners[index].socket
    for _ in 0..<16 {
      let descriptor = cxsk_accept(socket.descriptor)
      if descriptor == -EMFILE || descriptor == -ENFILE || descriptor == -ENOMEM || descriptor == -ENOBUFS {
        // Nothing to be had for now: others are let go rather than asking again without end.
        connections.removeAll { $0.listener == index && !$0.isStreaming }
        usleep(10_000)
        return
      }
      guard descriptor >= 0 else { return }
      // A stream is no request that hangs; whoever makes streams bounds their number.
      if connections.lazy.filter({ $0.listener == index && !$0.isStreaming }).count >= limits.connections,
        let oldest = connections.firstIndex(where: { $0.listener == index && !$0.isStreaming })
      {
        connections.remove(at: oldest)
      }
      let connection = HTTPConnection(
        descriptor, listener: index, limits: limits, now: MonotonicTime.now, refusal: socket.refusal(of: descriptor))
      connections.append(connection)
      // Most requests are there with the connection.
      connection.advance(now: MonotonicTime.now) { listeners[index].router.answer($0) }
    }
  }
}

package enum MonotonicTime {
  /// CLOCK_MONOTONIC in seconds.
  package static var now: Double { Double(TimestampClock.monotonicNanoseconds) / 1e9 }
}
