import Glibc
import Synchronization

/// What stopping needs of the supervisor's thread.
final class SupervisorState: Sendable {
  private let stopping = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(true)

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  func begin() { ended.store(false, ordering: .releasing) }
  func end() { ended.store(true, ordering: .releasing) }

  /// Asks the supervisor to end, and waits until it has.
  func stop() {
    stopping.store(true, ordering: .releasing)
    while !ended.load(ordering: .acquiring) { usleep(1000) }
  }
}

extension Engine {
  /// Watches the ports from a thread of its own: link changes, and failed queues, which are opened again with back-off
  /// while other ports keep running.
  func supervise() {
    supervisor.begin()
    spawnThread { [self] in
      var retries: [Int: Retry] = [:]
      while !supervisor.isStopping {
        usleep(50_000)
        for port in ports { watchLink(port) }
        for thread in threads {
          for (place, queue) in thread.plan.queues.enumerated() {
            attend(thread, place, queue, &retries[queue.slot])
          }
        }
      }
      supervisor.end()
    }
  }

  /// When a failed queue is tried next, and how long to wait after that.
  struct Retry {
    var next: UInt64
    var delay: UInt64
    /// Its socket is closed and it waits for a fresh one.
    var isVacant = false
    /// Waiting for the worker's answer.
    var isAsked = false

    static let firstDelay: UInt64 = 100_000_000
    static let longestDelay: UInt64 = 5_000_000_000

    mutating func backOff() {
      next = TimestampClock.monotonicNanoseconds + delay
      delay = min(delay * 2, Self.longestDelay)
    }
  }

  private func watchLink(_ port: Port) {
    let state = port.current
    let link: Port.LinkState
    if let now = try? LinkDescription.named(port.name), now.index == state.device.index {
      link = now.flags & UInt32(IFF_RUNNING) != 0 ? .up : .down
    } else {
      link = .gone
    }
    guard link != state.link, !(state.link == .gone && state.program == nil) else { return }
    port.update { $0.link = link }
    note("\(port.name): link is \(link.rawValue)")
    publishDescription()
  }

  /// Looks after one queue: nothing while it works; vacate, close, and open again once it has failed.
  private func attend(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue, _ retry: inout Retry?) {
    let failure = CInt(truncatingIfNeeded: counters.queue(slot: queue.slot).get(.failure))
    if failure == 0 && retry == nil { return }
    guard var state = retry else {
      guard thread.control.isFree else { return }  // Another queue's turn; this one's comes.
      note("\(ports[queue.port].name) queue \(queue.queue): lost (\(errorName(failure)))")
      thread.control.send(.vacate(slot: place))
      retry = Retry(next: 0, delay: Retry.firstDelay, isAsked: true)
      return
    }
    defer { retry = state }
    if state.isAsked {
      let answer = thread.control.takeAnswer(slot: place)
      guard answer.isAnswered else { return }
      state.isAsked = false
      if state.isVacant {  // The fresh socket is in place.
        note("\(ports[queue.port].name) queue \(queue.queue): back")
        publishDescription()
        retry = nil
        return
      }
      state.isVacant = true  // The answer held the last reference: the socket is closed now.
      ports[queue.port].detachIfGone()
      state.backOff()
      return
    }
    guard configuration.reopensPorts, TimestampClock.monotonicNanoseconds >= state.next, thread.control.isFree else {
      return
    }
    do throws(XSKError) {
      let socket = try reopen(thread, queue)
      thread.control.send(.replace(slot: place, socket))
      state.isAsked = true
    } catch {
      state.backOff()
    }
  }

  /// A fresh, bound socket for a queue whose device is there (again).
  private func reopen(_ thread: WorkerThread, _ queue: EnginePlan.Queue) throws(XSKError) -> XSKSocket {
    let port = ports[queue.port]
    let device = try NetworkDevice(named: port.name)
    guard device.isUp else {
      throw XSKError(port.name, "is down", remedy: "bring it up: ip link set dev \(port.name) up")
    }
    if port.current.program == nil || port.current.device.index != device.index {
      port.update { $0.device = device }
      try port.attach(configuration.socket.mode)
    }
    // Its own registration of the same memory: the socket that registered it first may be the one that was lost.
    let umem = thread.control.umem.withLock { $0 }
    var configuration = plan.socket
    configuration.bindPatience = 0
    let socket = try XSKSocket(name: "\(port.name) queue \(queue.queue)", umem: umem, configuration)
    try socket.bind(ifindex: device.index, queue: queue.queue)
    enableBusyPoll(socket)
    port.bound(socket)
    try port.current.program?.insert(socket: socket.descriptor, queue: queue.queue)
    return socket
  }
}

extension Port {
  /// A program whose device is gone went with it.
  func detachIfGone() {
    let state = current
    if let now = try? LinkDescription.named(name), now.index == state.device.index { return }
    detach()
    update { $0.link = .gone }
  }
}
