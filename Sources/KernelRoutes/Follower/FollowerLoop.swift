import Forwarder
import Glibc
import XSKEngine

/// The follower's own thread: what it owns, and its turns.
struct FollowerLoop {
  /// Nanoseconds: from a change to the plan, so that what belongs together comes together; and between two plans.
  static let settling: UInt64 = 5_000_000
  static let pause: UInt64 = 50_000_000
  /// Between two readings of the whole, as a multiple of what the last one took.
  static let restAfterReading: UInt64 = 4

  private let mailbox: FollowerMailbox
  private var tables: KernelTables
  private var resolver: Resolver
  private var model: KernelModel
  private var plans: UInt64 = 0
  private var changedSince: UInt64?
  private var nextPlan: UInt64 = 0
  private var nextReading: UInt64 = 0

  init(
    _ configuration: ForwarderConfiguration, receiveBuffer: Int, _ mailbox: FollowerMailbox
  ) throws(XSKError) {
    self.mailbox = mailbox
    tables = try KernelTables(receiveBuffer: receiveBuffer)
    resolver = try Resolver()
    model = KernelModel(configuration)
    model.doubts = .all
  }

  /// Reads everything, and makes the first plan.
  mutating func begin() throws(XSKError) -> RouteUpdate {
    try read()
    try tables.follow(&model)
    guard let update = try model.makePlan() else { preconditionFailure("there was no plan before the first") }
    plans += 1
    tell()
    return update
  }

  /// Follows until it is told to stop.
  mutating func run(_ onUpdate: (RouteUpdate) -> Void, _ onProblem: (XSKError) -> Void) {
    var isStopped = false
    while !isStopped {
      wait()
      let messages = mailbox.take()
      isStopped = messages.isStopped
      do throws(XSKError) {
        try turn(messages, onUpdate)
      } catch {
        onProblem(error)
        // Whatever was lost: from the beginning, a second later.
        model.doubts = .all
        nextReading = Self.now() + 1_000_000_000
      }
      tell()
    }
  }

  private mutating func turn(_ messages: FollowerMailbox.Messages, _ onUpdate: (RouteUpdate) -> Void) throws(XSKError) {
    if let configuration = messages.configuration { model.configure(configuration) }
    try tables.follow(&model)
    if !model.doubts.isEmpty, Self.now() >= nextReading {
      try read()
      try tables.follow(&model)
    }
    let now = Self.now()
    for destination in messages.destinations {
      if let key = model.awaited(destination.address, port: destination.port), model.neighbours[key] == nil {
        resolver.resolve(key, model, now: now)
      }
    }
    try publish(now, onUpdate)
    resolver.tend(model, now: now)
  }

  private mutating func read() throws(XSKError) {
    let began = Self.now()
    try tables.read(&model)
    let now = Self.now()
    nextReading = now + max(Self.pause, (now - began) * Self.restAfterReading)
  }

  private mutating func publish(_ now: UInt64, _ onUpdate: (RouteUpdate) -> Void) throws(XSKError) {
    guard model.isChanged else {
      changedSince = nil
      return
    }
    let since = changedSince ?? now
    changedSince = since
    guard now >= max(since + Self.settling, nextPlan) else { return }
    changedSince = nil
    let update = try model.makePlan()
    if let update {
      plans += 1
      onUpdate(update)
    }
    // Large tables take their time here and with the receiver: at most a third of a core is spent on them.
    let end = Self.now()
    nextPlan = end + max(Self.pause, (end - now) * 2)
  }

  /// Sleeps until the kernel says something, the bell rings, or something is due.
  private func wait() {
    let now = Self.now()
    var deadline = resolver.deadline(model)
    if !model.doubts.isEmpty { deadline = min(deadline, nextReading) }
    if model.isChanged { deadline = min(deadline, max((changedSince ?? now) + Self.settling, nextPlan)) }
    let milliseconds = deadline <= now ? 0 : min(60_000, (deadline - now + 999_999) / 1_000_000)
    var entries = [
      pollfd(fd: tables.events.descriptor, events: CShort(POLLIN), revents: 0),
      pollfd(fd: mailbox.bell, events: CShort(POLLIN), revents: 0),
    ]
    // poll(2) reads and writes the two entries.
    _ = unsafe poll(&entries, 2, CInt(milliseconds))
  }

  private func tell() {
    mailbox.statistics = KernelRouteStatistics(
      ipv4Routes: model.ipv4.list.count, ipv6Routes: model.ipv6.list.count, neighbours: model.neighbours.count,
      plans: plans, dumps: tables.dumps, losses: tables.losses, malformed: model.malformed,
      resolutions: resolver.requests)
  }

  /// Nanoseconds of CLOCK_MONOTONIC.
  static func now() -> UInt64 {
    var time = timespec()
    // clock_gettime(2) writes the one structure.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
