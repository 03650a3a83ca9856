import CXsk
import Glibc
import Synchronization

/// A capture of a running engine: workers record packets into bounded rings, one a worker; the control plane reads them.
///
/// No worker ever waits for the reader: what finds no room is lost, and counted. What the XDP program decides by itself (punt,
/// verdict offload) reaches no worker and is not captured.
///
///     let capture = try engine.startCapture(selection)
///     while !capture.isComplete { capture.read { packet, bytes in … } }
///     capture.end()
public final class CaptureSession: Sendable {
  public let selection: CaptureSelection
  private let workers: [WorkerControl]
  private let rings: [CaptureRing]
  /// The numbers of the wishes that ended it, once it has.
  private let farewell = Mutex<[UInt64]>([])
  private let reader = Mutex<Reader>(Reader())

  private struct Reader: Sendable {
    var delivered: UInt64 = 0
    var bytes: [UInt8] = []
  }

  /// Makes the rings and has the workers record into them.
  init(
    _ selection: CaptureSelection, workers: [WorkerControl], ringBytes: Int = CaptureRing.standardBytes,
    seed: UInt64 = .random(in: .min ... .max)
  ) throws(XSKError) {
    try selection.validate()
    self.selection = selection
    self.workers = workers
    var made: [CaptureRing] = []
    for index in workers.indices {
      made.append(try CaptureRing(selection, bytes: ringBytes, seed: seed &+ UInt64(index) &* 0x5851_F42D_4C95_7F2D))
    }
    rings = made
    for (worker, ring) in zip(workers, rings) { _ = worker.arm(ring) }
  }

  /// As many packets were read as the selection wants at most.
  public var isComplete: Bool { reader.withLock { $0.delivered >= selection.count } }

  /// Takes what was recorded since the last time: the oldest packet first, as far as workers have published.
  ///
  /// - Parameters:
  ///   - limit: stops when about so many bytes were taken, so that whoever writes them need not hold more.
  ///   - body: gets each packet with the bytes that were kept of it, valid for the call.
  /// - Returns: packets taken; 0: there are none for now, or it is complete.
  @discardableResult
  public func read(upTo limit: Int = .max, _ body: (CapturedPacket, RawSpan) -> Void) -> Int {
    reader.withLock { reader in
      let clock = WallClock()
      let ends = rings.map(\.published)
      var places = rings.map(\.tail)
      var (count, bytes) = (0, 0)
      while bytes < limit, reader.delivered < selection.count, let index = oldest(places, ends) {
        let head = rings[index].head(at: places[index])
        reader.bytes.removeAll(keepingCapacity: true)
        rings[index].copyBytes(at: places[index], head, to: &reader.bytes)
        places[index] += head.size
        rings[index].release(upTo: places[index])
        let packet = CapturedPacket(head, nanoseconds: clock.nanoseconds(at: head.ticks))
        // Safe: bytes have no padding between them.
        unsafe body(packet, reader.bytes.span.bytes)
        reader.delivered += 1
        count += 1
        bytes += Int(head.size)
      }
      return count
    }
  }

  /// The ring whose next record is the oldest; nil: none has any.
  private func oldest(_ places: [UInt64], _ ends: [UInt64]) -> Int? {
    let waiting = rings.indices.filter { places[$0] < ends[$0] }
    guard waiting.count > 1 else { return waiting.first }
    return waiting.min { rings[$0].head(at: places[$0]).ticks < rings[$1].head(at: places[$1]).ticks }
  }

  /// Packets that came in on a port and met all conditions, and those of them that were lost for want of room, up to now.
  public func totals(port: UInt8) -> (matched: UInt64, lost: UInt64) {
    rings.reduce((0, 0)) { sum, ring in
      let one = ring.totals(port: port)
      return (sum.0 + one.matched, sum.1 + one.lost)
    }
  }

  /// Has the workers record no more. What they have recorded can still be read. Later calls do nothing.
  public func end() {
    farewell.withLock { numbers in
      guard numbers.isEmpty else { return }
      numbers = workers.map { $0.arm(nil) }
    }
  }

  /// It was ended, and no worker records for it any more: what is read from now on is the last of it.
  public var isReleased: Bool {
    farewell.withLock { numbers in
      numbers.count == workers.count && zip(workers, numbers).allSatisfy { $0.hasObeyed($1) }
    }
  }

  /// It was ended.
  var hasEnded: Bool { farewell.withLock { !$0.isEmpty } }

  /// All workers record for it.
  var isArmed: Bool { !hasEnded && workers.allSatisfy { $0.isArmed } }
}

/// Ticks of the time-stamp counter as Unix time: exact to about a microsecond for what was just now.
struct WallClock {
  private let ticks: UInt64
  private let now: UInt64
  private let ticksPerNanosecond: Double

  init() {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    ticks = cxsk_timestamp()
    now = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    ticksPerNanosecond = TimestampClock.shared.ticksPerSecond / 1e9
  }

  func nanoseconds(at time: UInt64) -> UInt64 {
    // A counter of another CPU may be a little ahead.
    let difference = Double(Int64(bitPattern: time &- ticks)) / ticksPerNanosecond
    return now &+ UInt64(bitPattern: Int64(difference))
  }
}
