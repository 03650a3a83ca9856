import CXsk
import Glibc
import Synchronization

/// What stopping needs of the supervisor's thread.
final class SupervisorState: Sendable {
  private let stopping = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(true)
  /// Wakes it before its time; negative if the kernel had none to give: then it looks as often as it does.
  private let bell = cxsk_bell_open()

  deinit { if bell >= 0 { close(bell) } }

  /// Has it look at once at what is wanted.
  func ring() {
    if bell >= 0 { cxsk_bell_ring(bell) }
  }

  /// Rests until a time is over, or somebody rings; true: nobody did.
  @discardableResult func rest(milliseconds: CInt) -> Bool {
    guard bell >= 0 else {
      usleep(UInt32(milliseconds) * 1000)
      return true
    }
    var entry = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&entry, 1, milliseconds) > 0 else { return true }
    cxsk_bell_silence(bell)
    return false
  }

  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  func begin() { ended.store(false, ordering: .releasing) }
  func end() { ended.store(true, ordering: .releasing) }

  /// Asks the supervisor to end, and waits until it has.
  func stop() {
    stopping.store(true, ordering: .releasing)
    ring()
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
    var repairs: [Int: Repair] = [:]
    var policyWatch = PolicyWatch()
    var linkWatch = LinkWatch()
    var makesAhead = !sparePorts.isEmpty
    while !supervisor.isStopping {
      // A worker answers within a millisecond.
      let isBusy = repairs.values.contains { $0.isUrgent }
      if supervisor.rest(milliseconds: isBusy ? 1 : 50), !isBusy, makesAhead { makesAhead = makeOneAhead() }
      if linkWatch.isDue {
        for port in linkWatch.next(of: ports) { watchLink(port) }
        followPolicy(&policyWatch)
        releaseCaptures()
      }
      for port in ports {
        follow(port)
        if port.isSpare { attend(spare: port, &repairs) }
      }
      for thread in threads {
        for (place, queue) in thread.plan.queues.enumerated() where !isIdle(queue) {
          repairs[queue.slot] = attend(thread, place, queue, repairs[queue.slot])
        }
      }
      // What their queues have come to is told at once.
      for port in ports where port.isSpare { attend(spare: port, &repairs) }
    }
    supervisor.end()
  }

  /// - Returns: whether it is worth going on; a refusal is not met with every turn again.
  private func makeOneAhead() -> Bool {
    do throws(XSKError) {
      try makeAhead()
      return true
    } catch {
      note("\(error); devices in spare ports take some milliseconds more")
      return false
    }
  }

  /// Whether nothing is to be done for a queue, as its spare port is empty.
  private func isIdle(_ queue: EnginePlan.Queue) -> Bool {
    queue.isSpare && ports[queue.port].current.occupancy == .empty
  }

  /// Whose turn it is to be asked about its link: every 50 ms some ports, so that hundreds don't take a core.
  private struct LinkWatch {
    private var due: UInt64 = 0
    private var place = 0
    private static let interval: UInt64 = 50_000_000
    private static let portsAtOnce = 16

    /// Whether the time has come; then the next time is an interval later.
    var isDue: Bool {
      mutating get {
        let now = TimestampClock.monotonicNanoseconds
        // Half an interval early is not worth a rest of its own.
        guard now + Self.interval / 2 >= due else { return false }
        due = now + Self.interval
        return true
      }
    }

    mutating func next(of ports: [Port]) -> [Port] {
      let occupied = ports.filter { !$0.isEmpty }
      let count = min(occupied.count, Self.portsAtOnce)
      defer { place += count }
      return (0..<count).map { occupied[(place + $0) % occupied.count] }
    }
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

  private func watchLink(_ port: Port) {
    let state = port.current
    if let attachment = port.attachment, attachment.interface.isPhysical { return watchPhysical(port, attachment) }
    guard state.link != .empty else { return }
    let link: Port.LinkState
    if let now = port.link {
      link = now.flags & UInt32(IFF_RUNNING) != 0 ? .up : .down
      followDevice(port, now)
    } else {
      link = .gone
    }
    guard link != state.link, !(state.link == .gone && state.program == nil && port.attachment == nil) else { return }
    port.update { $0.link = link }
    note("\(port.name): link is \(link.rawValue)")
    publishDescription()
  }

  /// A device's name, MTU and MAC address may change under the engine.
  private func followDevice(_ port: Port, _ link: LinkDescription) {
    followName(port, link)
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

  /// A port goes on with its device, and keeps its own name: rules, counters and the operator know it by that.
  private func followName(_ port: Port, _ link: LinkDescription) {
    let former = port.current.device.name
    guard link.name != former else { return }
    port.update { $0.device.name = link.name }
    note("\(port.name): its device \(former) is called \(link.name) now")
    publishDescription()
  }
}
