import Synchronization
import XSKEngine
import XSKLab

/// What a probe handler is to send.
public struct SendingPlan: Sendable {
  public var frames: [[UInt8]]
  /// Which of the frames leave in turn; empty: all, in their order.
  public var schedule: [Int] = []
  public var flows: UInt32 = 1
  public var probe: ProbeStream?
  public var pace: FramePacer.Schedule = .unlimited
  /// Stop after this many frames; nil: when `seconds` have passed.
  public var packets: UInt64?
  /// Stop after this time in any case, counted from the first frame.
  public var seconds: Double

  public init(frames: [[UInt8]], seconds: Double) {
    self.frames = frames
    self.seconds = seconds
  }
}

/// What the threads around a probe handler know of it. Each number has one writer, the handler's thread.
public final class ProbeProgress: Sendable {
  /// Frames handed to the TX ring, and their bytes.
  let sentCount = Atomic<UInt64>(0)
  let sentBytes = Atomic<UInt64>(0)
  let startTime = Atomic<UInt64>(0)
  let lastTime = Atomic<UInt64>(0)
  let isFinished = Atomic<Bool>(false)
  /// Set by whoever waits.
  let mayStart = Atomic<Bool>(false)
  let mustStop = Atomic<Bool>(false)
  private let asked = Atomic<Int>(0)
  private let answer = Mutex<(number: Int, report: ProbeReport)?>(nil)

  public init() {}

  public var sent: UInt64 { sentCount.load(ordering: .acquiring) }
  public var bytes: UInt64 { sentBytes.load(ordering: .acquiring) }
  /// All that was asked for was sent, or its time is over.
  public var hasFinished: Bool { isFinished.load(ordering: .acquiring) }
  /// From the first frame to the last, in seconds.
  public var sendingSeconds: Double {
    let start = startTime.load(ordering: .acquiring), last = lastTime.load(ordering: .acquiring)
    return start == 0 || last < start ? 0 : Double(last - start) / 1e9
  }

  public func start() { mayStart.store(true, ordering: .releasing) }
  public func stopSending() { mustStop.store(true, ordering: .releasing) }

  /// What the handler has received so far. It answers between two bursts, about once a millisecond.
  ///
  /// - Returns: nil if it has not answered within two seconds: its worker has ended.
  public func report() -> ProbeReport? {
    let number = asked.add(1, ordering: .acquiringAndReleasing).newValue
    let deadline = TimestampClock.monotonicNanoseconds + 2_000_000_000
    repeat {
      if let answer = answer.withLock({ $0 }), answer.number >= number { return answer.report }
      nap(microseconds: 200)
    } while TimestampClock.monotonicNanoseconds < deadline
    return nil
  }

  /// On the handler's thread: answers who asked.
  func respond(_ report: () -> ProbeReport) {
    let number = asked.load(ordering: .acquiring)
    guard number > 0, answer.withLock({ $0?.number }) != number else { return }
    let made = report()
    answer.withLock { $0 = (number, made) }
  }
}

/// What arrived, and how long it took.
public struct ProbeReport: Sendable {
  public var counts: ProbeCounts
  public var latency: LatencyRecorder
}

/// Sends frames and checks those that arrive, on one engine worker: a traffic generator, a sink, or both ends of a tester.
///
/// It needs a local port to send from, and port numbers: what it sends leaves by port 0; what arrives on any port is checked.
public struct ProbeHandler: PacketHandler, ~Copyable {
  private var checker: ProbeChecker
  private var composer: FrameComposer
  private var pacer: FramePacer
  private let plan: SendingPlan?
  private let progress: ProbeProgress
  private var deadline: UInt64 = 0
  private var isSending = false
  private var hasEnded: Bool

  /// - Parameters:
  ///   - plan: nil: it sends nothing.
  ///   - checks: what it expects to arrive.
  public init(
    _ plan: SendingPlan?, stream: UInt16? = nil, flows: UInt32 = 1, progress: ProbeProgress
  ) throws(XSKError) {
    // All that can fail comes first: a noncopyable value is made as a whole.
    let checker = try ProbeChecker(stream: stream, flows: flows)
    let composer = try FrameComposer(
      frames: plan?.frames ?? [[0]], schedule: plan?.schedule ?? [], flows: plan?.flows ?? 1, probe: plan?.probe)
    self.plan = plan
    self.progress = progress
    self.checker = checker
    self.composer = composer
    pacer = FramePacer(plan?.pace ?? .unlimited, start: 0)
    hasEnded = plan == nil
  }

  public mutating func handle(_ burst: inout Burst) {
    // When the program sees them, not when the device did: that is what the packets are there for.
    let now = TimestampClock.monotonicNanoseconds
    for index in 0..<burst.count { checker.take(burst.bytes(index), length: burst.length(index), time: now) }
    burst.decideAll(.delivered)
  }

  public mutating func originate(_ burst: inout Burst) {
    guard !hasEnded, let plan else { return }
    var now = TimestampClock.monotonicNanoseconds
    guard isSending || begin(now, plan) else { return }
    guard now < deadline, !progress.mustStop.load(ordering: .relaxed) else { return end() }
    var isFirst = true
    while pacer.isDue(now) {
      if let limit = plan.packets, composer.count >= limit { return end() }
      guard burst.fit(length: composer.nextLength, for: .forward(to: 0)) == .now else { break }
      if !isFirst, plan.probe?.timeEvery ?? 0 > 0 { now = TimestampClock.monotonicNanoseconds }
      composer.next(time: now) { burst.compose(.forward(to: 0), $0) }
      pacer.advance(now)
      isFirst = false
    }
    guard !isFirst else { return }
    progress.sentCount.store(composer.count, ordering: .releasing)
    progress.sentBytes.store(composer.byteCount, ordering: .releasing)
    progress.lastTime.store(now, ordering: .releasing)
  }

  public mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {
    progress.respond { ProbeReport(counts: checker.counts, latency: checker.latency) }
  }

  private mutating func begin(_ now: UInt64, _ plan: SendingPlan) -> Bool {
    guard progress.mayStart.load(ordering: .acquiring) else { return false }
    isSending = true
    pacer = FramePacer(plan.pace, start: now)
    deadline = now + UInt64(plan.seconds * 1e9)
    progress.startTime.store(now, ordering: .releasing)
    return true
  }

  private mutating func end() {
    hasEnded = true
    progress.isFinished.store(true, ordering: .releasing)
  }
}
