import CXsk

/// One worker's share of a capture: a ring of records between the worker, which never waits, and one reader.
///
///      [ head 64 B │ bytes, padded to 64 ][ head │ bytes … ] …      a power of two of bytes; bytes may wrap around its end
///                  ▲ tail: the reader's                  ▲ published: the worker's
///
/// The control plane makes it, whole and touched, before the worker hears of it. A record that finds no room is lost and
/// counted. Positions count bytes and never wrap: 2⁶⁴ of them are centuries.
@safe final class CaptureRing: Sendable {
  private let mapping: MemoryMapping
  /// What the worker tests packets with.
  let test: CaptureTest
  // Safe: never changed.
  private nonisolated(unsafe) let program: FixedArray<PacketFilter.Instruction>
  let seed: UInt64
  /// Bytes for records.
  let capacity: UInt64

  /// Bytes ahead of the records: published and tail on cache lines of their own, then totals by port.
  private static let controlBytes = 8192
  fileprivate static let tailPlace = 8
  fileprivate static let matchedPlace = 16
  fileprivate static let lostPlace = 16 + 256
  fileprivate static let toldPlace = 16 + 512

  /// Bytes for records that a ring has at least, whatever the snap length.
  static let standardBytes = 4 << 20

  /// - Parameter bytes: for records; a power of two, and room for one of the longest.
  init(_ selection: CaptureSelection, bytes: Int = standardBytes, seed: UInt64) throws(XSKError) {
    precondition(bytes.nonzeroBitCount == 1 && bytes >= selection.snapLength + 128)
    mapping = try MemoryMapping.anonymous(length: Self.controlBytes + bytes, hugePageShift: 0)
    // Safe: that much was mapped. Touched here, so that the worker meets no page fault.
    unsafe mapping.base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.controlBytes + bytes)
    test = CaptureTest(selection)
    unsafe program = FixedArray(selection.filter?.instructions ?? [])
    capacity = UInt64(bytes)
    self.seed = seed
  }

  var memory: CaptureMemory {
    // Safe: the mapping lives as long as the ring, which worker and reader both keep.
    unsafe CaptureMemory(
      control: mapping.base.assumingMemoryBound(to: UInt64.self), records: mapping.base + Self.controlBytes,
      capacity: capacity)
  }

  /// The program of the selection's filter, if it has one.
  var filter: FixedArray<PacketFilter.Instruction>.View? { unsafe program.count > 0 ? program.view : nil }

  /// Packets of a port that met all conditions, and those of them that were lost.
  func totals(port: UInt8) -> (matched: UInt64, lost: UInt64) {
    (memory.load(Self.matchedPlace + Int(port)), memory.load(Self.lostPlace + Int(port)))
  }

  /// For a reader: where records end now, and the place of the first that it has not given back.
  var published: UInt64 { memory.published }
  var tail: UInt64 { memory.tail }

  /// Gives everything before a position back to the worker.
  func release(upTo position: UInt64) { memory.release(upTo: position) }

  func head(at position: UInt64) -> CaptureRecordHead { memory.head(at: position) }

  /// Appends the bytes of a published record to an array.
  func copyBytes(at position: UInt64, _ head: CaptureRecordHead, to target: inout [UInt8]) {
    unsafe memory.forEachPiece(from: position + CaptureRecordHead.stride, count: UInt64(head.captured)) { piece in
      unsafe target.append(contentsOf: piece)
    }
  }
}

/// Where a capture's ring lies: a plain value for the packet path.
@safe struct CaptureMemory: BitwiseCopyable {
  // Safe: within the ring's mapping; each place is masked or a constant.
  private let control: UnsafeMutablePointer<UInt64>
  private let records: UnsafeMutableRawPointer
  let capacity: UInt64

  @unsafe init(control: UnsafeMutablePointer<UInt64>, records: UnsafeMutableRawPointer, capacity: UInt64) {
    unsafe self.control = control
    unsafe self.records = records
    self.capacity = capacity
  }

  func load(_ place: Int) -> UInt64 {
    precondition(place >= 0 && place < 1024)
    return unsafe cxsk_counter_load(control + place)
  }

  private func add(_ place: Int, _ count: UInt64) {
    precondition(place >= 0 && place < 1024)
    // One writer.
    unsafe cxsk_counter_store(control + place, cxsk_counter_load(control + place) &+ count)
  }

  var published: UInt64 { unsafe cxsk_counter_load_acquire(control) }
  var tail: UInt64 { unsafe cxsk_counter_load_acquire(control + CaptureRing.tailPlace) }
  func publish(upTo position: UInt64) { unsafe cxsk_counter_store_release(control, position) }
  func release(upTo position: UInt64) { unsafe cxsk_counter_store_release(control + CaptureRing.tailPlace, position) }

  func countMatched(_ port: UInt8) { add(CaptureRing.matchedPlace + Int(port), 1) }
  func countLost(_ port: UInt8) { add(CaptureRing.lostPlace + Int(port), 1) }

  /// Packets of a port lost since it was last asked.
  func takeLost(_ port: UInt8) -> UInt32 {
    let lost = load(CaptureRing.lostPlace + Int(port))
    let told = load(CaptureRing.toldPlace + Int(port))
    guard lost != told else { return 0 }
    add(CaptureRing.toldPlace + Int(port), lost &- told)
    return UInt32(clamping: lost &- told)
  }

  // A head lies at a multiple of 64 below `capacity`, and has fewer bytes than that.
  func head(at position: UInt64) -> CaptureRecordHead {
    unsafe records.load(fromByteOffset: offset(position), as: CaptureRecordHead.self)
  }

  func setHead(_ head: CaptureRecordHead, at position: UInt64) {
    unsafe records.storeBytes(of: head, toByteOffset: offset(position), as: CaptureRecordHead.self)
  }

  private func offset(_ position: UInt64) -> Int {
    Int(truncatingIfNeeded: position & (capacity &- 1) & ~(CaptureRecordHead.stride &- 1))
  }

  /// Copies bytes into the ring.
  @unsafe func write(_ source: UnsafeRawPointer, count: Int, at position: UInt64) {
    precondition(count >= 0 && UInt64(count) <= capacity)
    let start = Int(truncatingIfNeeded: position & (capacity &- 1))
    let first = min(count, Int(truncatingIfNeeded: capacity) &- start)
    unsafe (records + start).copyMemory(from: source, byteCount: first)
    if first < count { unsafe records.copyMemory(from: source + first, byteCount: count &- first) }
  }

  /// The one or two pieces of the ring that bytes lie in.
  func forEachPiece(from position: UInt64, count: UInt64, _ body: (UnsafeRawBufferPointer) -> Void) {
    precondition(count <= capacity)
    let start = position & (capacity - 1)
    let first = min(count, capacity - start)
    unsafe body(UnsafeRawBufferPointer(start: records + Int(start), count: Int(first)))
    if first < count { unsafe body(UnsafeRawBufferPointer(start: records, count: Int(count - first))) }
  }
}
