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
  func supervise() throws(XSKError) {
    supervisor.begin()
    do throws(XSKError) {
      try SystemThread.start("xsk-supervisor") { [self] in watchPorts() }
    } catch {
      supervisor.end()
      throw error
    }
  }

  private func watchPorts() {
    keepOffWorkerCores()
    var retries: [Int: Retry] = [:]
    var policyWatch = PolicyWatch()
    while !supervisor.isStopping {
      usleep(50_000)
      for port in ports {
        watchLink(port)
        follow(port)
      }
      followPolicy(&policyWatch)
      releaseCaptures()
      for thread in threads {
        for (place, queue) in thread.plan.queues.enumerated() {
          retries[queue.slot] = attend(thread, place, queue, retries[queue.slot])
        }
      }
    }
    supervisor.end()
  }

  /// Keeps the XDP programs' tables up with the kernel: its addresses each turn, the devices' abilities once a second.
  private func followPolicy(_ watch: inout PolicyWatch) {
    guard let policy else { return }
    let problem = policy.punt?.follow()
    if let problem, problem != watch.problem { note("\(problem)") }
    watch.problem = problem
    watch.turns += 1
    if watch.turns % 20 == 0 { updateEgress() }
  }

  private struct PolicyWatch {
    var turns = 0
    /// What stood in the way of the kernel's addresses, noted once.
    var problem: XSKError?
  }

  /// When a failed queue is tried next, and how long to wait after that.
  struct Retry {
    var next: UInt64
    var delay: UInt64
    /// Its socket is closed and it waits for a fresh one.
    var isVacant = false
    /// Waiting for the worker's answer.
    var isAsked = false
    /// What stood in the way of the last attempt.
    var obstacle: XSKError?

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
      followDevice(port, now)
    } else {
      link = .gone
    }
    guard link != state.link, !(state.link == .gone && state.program == nil) else { return }
    port.update { $0.link = link }
    note("\(port.name): link is \(link.rawValue)")
    publishDescription()
  }

  /// A device's MTU and MAC address may change under the engine.
  private func followDevice(_ port: Port, _ link: LinkDescription) {
    let device = port.current.device
    guard link.mtu != device.mtu || link.address != device.hardwareAddress else { return }
    port.update { ($0.device.mtu, $0.device.hardwareAddress) = (link.mtu, link.address) }
    let now = port.current.device
    if link.address != device.hardwareAddress { note("\(port.name): MAC address is \(now.hardwareAddressText)") }
    guard link.mtu != device.mtu else { return }
    note("\(port.name): MTU is \(link.mtu)")
    for thread in threads {
      for (place, queue) in thread.plan.queues.enumerated() where queue.port == port.index {
        thread.control.setMaximumLength(EnginePlan.largestFrame(now), slot: place)
      }
    }
  }

  /// Looks after one queue: nothing while it works; vacate, close, and open again once it has failed.
  ///
  /// - Returns: how far that is; nil once the queue works.
  private func attend(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue, _ retry: Retry?) -> Retry? {
    guard let retry else { return noticeFailure(thread, place, queue) }
    if retry.isAsked { return takeAnswer(thread, place, queue, retry) }
    guard configuration.reopensPorts, TimestampClock.monotonicNanoseconds >= retry.next, thread.control.isFree else {
      return retry
    }
    var next = retry
    do throws(XSKError) {
      let (socket, limit) = try reopen(thread, queue)
      thread.keep(socket)
      thread.control.send(.replace(slot: place, socket, maximumLength: limit))
      next.isAsked = true
    } catch {
      // A device that is still gone was reported as that.
      if error.code != ENODEV && error != retry.obstacle { note("\(error)") }
      next.obstacle = error
      next.backOff()
    }
    return next
  }

  /// A queue that has just failed: the worker is asked to give its socket up.
  private func noticeFailure(_ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue) -> Retry? {
    let failure = CInt(truncatingIfNeeded: counters.queue(slot: queue.slot).get(.failure))
    // While the mailbox is another queue's, this one waits.
    guard failure != 0, thread.control.isFree else { return nil }
    note("\(ports[queue.port].name) queue \(queue.queue): lost (\(errorName(failure)))")
    thread.control.send(.vacate(slot: place))
    return Retry(next: 0, delay: Retry.firstDelay, isAsked: true)
  }

  /// The worker's answer, if it is there: to the fresh socket, which ends the retry, or with the lost one, to be closed.
  private func takeAnswer(
    _ thread: WorkerThread, _ place: Int, _ queue: EnginePlan.Queue, _ retry: Retry
  ) -> Retry? {
    let answer = thread.control.takeAnswer(slot: place)
    guard answer.isAnswered else { return retry }
    if retry.isVacant {
      note("\(ports[queue.port].name) queue \(queue.queue): back")
      publishDescription()
      return nil
    }
    if let socket = answer.vacated { thread.giveUp(socket) }  // Closed when `answer` goes.
    ports[queue.port].detachIfGone()
    var next = retry
    next.isAsked = false
    next.isVacant = true
    next.backOff()
    return next
  }

  /// A fresh, bound socket for a queue whose device is there (again), and the longest frame that the device takes now.
  private func reopen(
    _ thread: WorkerThread, _ queue: EnginePlan.Queue
  ) throws(XSKError) -> (socket: XSKSocket, maximumLength: Int) {
    let port = ports[queue.port]
    let device = try NetworkDevice(named: port.name)
    guard device.isUp else {
      throw XSKError(port.name, "is down", remedy: "bring it up: ip link set dev \(port.name) up")
    }
    if port.current.program == nil || port.current.device.index != device.index {
      port.update { $0.device = device }
      try port.attach(configuration.socket.mode)
      noteMode(port)
      updateEgress()
    }
    // Its own registration of the same memory: the socket that registered it first may be the one that was lost.
    let umem = thread.control.umem.withLock { $0 }
    var configuration = plan.socket
    configuration.bindPatience = 0
    configuration.multiBuffer = configuration.multiBuffer || EnginePlan.needsSeveralBuffers(plan.umem, [device])
    let socket = try XSKSocket(name: "\(port.name) queue \(queue.queue)", umem: umem, configuration)
    try socket.bind(ifindex: device.index, queue: queue.queue, copying: port.kind.program == .generic)
    enableBusyPoll(socket)
    port.bound(socket)
    if !port.current.isDrained { try port.current.program?.insert(socket: socket.descriptor, queue: queue.queue) }
    return (socket, EnginePlan.largestFrame(device))
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
