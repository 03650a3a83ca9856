import Captures
import GROLite
import PacketHeaders
import XSKEngine

/// Where a replay's units go. Filled by the worker's handler, on the thread that steps the worker.
final class ReplaySink {
  private var files: ReplayFiles
  /// The place of the burst's first packet in the capture.
  private var base = 0
  /// By raw value.
  private var malformed = [UInt64](repeating: 0, count: Int(UInt8.max) + 1)
  /// The first write that failed; nothing is written after it.
  private(set) var failure: XSKError?

  init(_ files: consuming ReplayFiles) { self.files = files }

  /// Malformed packets by the name of the reason; only reasons that occurred.
  var malformedPackets: [String: UInt64] {
    let known = Malformation.allCases.filter { malformed[Int($0.rawValue)] > 0 }
    return Dictionary(uniqueKeysWithValues: known.map { ($0.name, malformed[Int($0.rawValue)]) })
  }

  /// The next burst begins with packet `index` of the capture.
  func beginBurst(at index: Int) {
    base = index
    files.records.removeAll(keepingCapacity: true)
  }

  /// One more packet of the burst.
  func add(_ record: CaptureRecord) { files.records.append(record) }

  /// Takes a unit of the burst.
  ///
  /// Never inlined: it writes to files, as nothing else within a worker's turn does (scripts/hot-path-allowed).
  @inline(never)
  func take(_ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst) {
    let malformation = gro.summary(of: unit).malformation
    if malformation != .none { malformed[Int(malformation.rawValue)] += 1 }
    guard failure == nil else { return }
    do throws(XSKError) {
      try files.writeLine(unit, of: gro, in: burst, base: base)
      try files.writeFrames(unit, of: gro, in: burst)
    } catch { failure = error }
  }

  /// Hands everything written to the system.
  func finish() {
    guard failure == nil else { return }
    do throws(XSKError) { try files.flush() } catch { failure = error }
  }
}

/// The files of a replay.
struct ReplayFiles: ~Copyable {
  private var capture: CaptureWriter?
  private var units: TextOutput?
  private var superFrame = SuperFrame()
  /// What the capture that is read says of the burst's packets.
  var records: [CaptureRecord] = []

  init(capture: consuming CaptureWriter?, units: consuming TextOutput?) {
    self.capture = capture
    self.units = units
  }

  mutating func writeLine(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst, base: Int
  ) throws(XSKError) {
    try units?.write(UnitReport(unit, of: gro, in: burst, base: base).line)
  }

  /// Frames as they are; a super-frame has its first packet's time stamp.
  mutating func writeFrames(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst
  ) throws(XSKError) {
    guard capture != nil else { return }
    guard unit.form != .linear else {
      superFrame.gather(unit, of: gro, in: burst)
      return try Self.write(superFrame, records[unit.first], to: &capture)
    }
    var index = unit.first
    for _ in 0..<unit.count {
      try capture?.write(burst.bytes(index), records[index])
      index = gro.next(after: index)
    }
  }

  private static func write(
    _ superFrame: borrowing SuperFrame, _ first: CaptureRecord, to capture: inout CaptureWriter?
  ) throws(XSKError) {
    var record = first
    record.length = UInt32(superFrame.frame.byteCount)
    try capture?.write(superFrame.frame, record)
  }

  mutating func flush() throws(XSKError) {
    try units?.flush()
    try capture?.flush()
  }
}
