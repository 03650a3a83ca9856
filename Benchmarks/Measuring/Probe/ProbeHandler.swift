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
/// Its burst functions keep to the packet path's rules; threads around it are answered in its housekeeping, a thousand times a
/// second.
public struct ProbeHandler: PacketHandler, ~Copyable {
  private enum Phase { case waiting, sending, done }

  private var checker: ProbeChecker
  private var composer: FrameComposer
  private var pacer: FramePacer
  private var clock = ProbeClock()
  private var phase: Phase
  private var started: UInt64 = 0
  private var last: UInt64 = 0
  private var deadline: UInt64 = 0
  /// Frames to send at most.
  private let limit: UInt64
  private let duration: UInt64
  private let isTimed: Bool
  private let progress: ProbeProgress

  /// - Parameters:
  ///   - plan: nil: it sends nothing.
  ///   - stream: the only stream to check; nil: the first that comes.
  ///   - flows: what the generator was told.
  public init(
    _ plan: SendingPlan?, stream: UInt16? = nil, flows: UInt32 = 1, progress: ProbeProgress
  ) throws(XSKError) {
    // All that can fail comes first: a noncopyable value is made as a whole.
    let checker = try ProbeChecker(stream: stream, flows: flows)
    let composer = try FrameComposer(
      frames: plan?.frames ?? [[0]], schedule: plan?.schedule ?? [], flows: plan?.flows ?? 1, probe: plan?.probe)
    self.progress = progress
    self.checker = checker
    self.composer = composer
    pacer = FramePacer(plan?.pace ?? .unlimited)
    phase = plan == nil ? .done : .waiting
    limit = plan?.packets ?? .max
    duration = UInt64((plan?.seconds ?? 0) * 1e9)
    isTimed = plan?.probe?.timeEvery ?? 0 > 0
  }

  public mutating func handle(_ burst: inout Burst) {
    // When the program sees them, not when the device did: that is what the packets are there for.
    let now = clock.nanoseconds
    for index in 0..<burst.count { checker.take(burst.bytes(index), length: burst.length(index), time: now) }
    burst.decideAll(.delivered)
  }

  public mutating func originate(_ burst: inout Burst) {
    guard phase == .sending else { return }
    var now = clock.nanoseconds
    guard now < deadline else {
      phase = .done
      return
    }
    var isFirst = true
    while pacer.isDue(now) {
      guard composer.count < limit else {
        phase = .done
        return
      }
      guard burst.fit(length: composer.nextLength, for: .forward(to: 0)) == .now else { return }
      if !isFirst && isTimed { now = clock.nanoseconds }
      composer.compose(time: now)
      burst.compose(.forward(to: 0), composer.frame)
      pacer.advance(now)
      last = now
      isFirst = false
    }
  }

  public mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {
    clock.adjust()
    if phase == .waiting, progress.mayStart.load(ordering: .acquiring) {
      phase = .sending
      started = nanoseconds
      deadline = nanoseconds + duration
      pacer.begin(nanoseconds)
    }
    if progress.mustStop.load(ordering: .acquiring) { phase = .done }
    progress.sentBytes.store(composer.byteCount, ordering: .releasing)
    progress.startTime.store(started, ordering: .releasing)
    progress.lastTime.store(last, ordering: .releasing)
    progress.sentCount.store(composer.count, ordering: .releasing)
    if phase == .done { progress.isFinished.store(true, ordering: .releasing) }
    progress.respond { ProbeReport(counts: checker.counts, latency: checker.latency) }
  }
}

/// CLOCK_MONOTONIC from the time-stamp counter, for who may make no calls; set right a thousand times a second.
private struct ProbeClock {
  private var base = TimestampClock.monotonicNanoseconds
  private var ticks = TimestampClock.now
  private let nanosecondsPerTick = 1e9 / TimestampClock.shared.ticksPerSecond

  var nanoseconds: UInt64 {
    base &+ UInt64(max(0, Double(TimestampClock.now &- ticks) * nanosecondsPerTick))
  }

  mutating func adjust() {
    (base, ticks) = (TimestampClock.monotonicNanoseconds, TimestampClock.now)
  }
}
