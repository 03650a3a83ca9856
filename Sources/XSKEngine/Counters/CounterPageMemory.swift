import CXsk
import FoundationEssentials
import Glibc

/// The bytes of a counter page, mapped, with the few accesses that writer and readers share.
@safe struct CounterPageMemory: Sendable {
  // Safe: every access below is within `mapping.length`, which init has compared with the layout.
  let mapping: MemoryMapping
  let layout: CounterPageLayout
  /// What to call the page in an error: its path.
  let subject: String

  /// A page that the caller has just mapped and will fill in.
  init(creating mapping: MemoryMapping, layout: CounterPageLayout, subject: String) {
    precondition(mapping.length >= layout.pageBytes, "a page lies within its mapping")
    self.mapping = mapping
    self.layout = layout
    self.subject = subject
  }

  /// Somebody's page: the first `bytes` of a mapping.
  ///
  /// - Throws: what is wrong with its header. Nothing outside of the mapping is read, whatever the header says.
  init(reading mapping: MemoryMapping, bytes: Int, subject: String) throws(XSKError) {
    precondition(mapping.length >= bytes, "a page lies within its mapping")
    self.mapping = mapping
    self.subject = subject
    layout = try CounterPageLayout(validating: subject, bytes: bytes) { field in
      // In bounds: the layout looks at fields only after it has compared the length with the header's 4096 bytes.
      unsafe cxsk_counter_load_acquire(
        (mapping.base + field.rawValue).assumingMemoryBound(to: UInt64.self))
    }
  }

  subscript(field: CounterPageField) -> UInt64 {
    get { unsafe cxsk_counter_load_acquire(word(field.rawValue)) }
    nonmutating set { unsafe cxsk_counter_store_release(word(field.rawValue), newValue) }
  }

  /// The block of a worker: `CounterPageLayout.workerCounters` words.
  func worker(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    precondition((0..<layout.workerCount).contains(index), "worker \(index) of \(layout.workerCount)")
    return unsafe word(layout.workerOffset + index * layout.workerStride)
  }

  /// The block of a slot: `CounterPageLayout.slotCounters` words.
  func slot(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    precondition((0..<layout.slotCount).contains(index), "queue slot \(index) of \(layout.slotCount)")
    return unsafe word(layout.slotOffset + index * layout.slotStride)
  }

  /// Fills in the header of a new page (all zeros so far); its magic comes last.
  func writeHeader(_ process: ProcessIdentity) {
    self[.version] = CounterPageLayout.version
    self[.headerBytes] = UInt64(CounterPageLayout.headerBytes)
    self[.pid] = UInt64(process.pid)
    self[.pidStart] = process.start
    self[.startedUnix] = clockNanoseconds(CLOCK_REALTIME)
    self[.startedMonotonic] = clockNanoseconds(CLOCK_MONOTONIC)
    self[.state] = CounterPage.State.starting.rawValue
    self[.pageBytes] = UInt64(layout.pageBytes)
    self[.descriptionOffset] = UInt64(layout.descriptionOffset)
    self[.descriptionCapacity] = UInt64(layout.descriptionCapacity)
    self[.workerOffset] = UInt64(layout.workerOffset)
    self[.workerStride] = UInt64(layout.workerStride)
    self[.workerCount] = UInt64(layout.workerCount)
    self[.slotOffset] = UInt64(layout.slotOffset)
    self[.slotStride] = UInt64(layout.slotStride)
    self[.slotCount] = UInt64(layout.slotCount)
    self[.magic] = CounterPageLayout.magic
  }

  /// Overwrites the description. Only one thread may do so at a time.
  ///
  /// The epoch is odd while it lasts. A reader that saw any of the new words also sees a changed epoch: the fence keeps
  /// the odd epoch before the words, the release keeps the even one behind them.
  func write(_ description: CounterDescription) throws(XSKError) {
    let text = try Self.encode(description, subject: subject)
    guard text.count <= layout.descriptionCapacity else {
      throw XSKError(
        subject, "the description grew to \(text.count) bytes, there is room for \(layout.descriptionCapacity)",
        remedy: "restart to have the page made anew")
    }
    let epoch = self[.epoch]
    self[.epoch] = epoch | 1
    cxsk_full_fence()
    for offset in stride(from: 0, to: layout.descriptionCapacity, by: 8) {
      var value: UInt64 = 0
      for index in offset..<max(offset, min(offset + 8, text.count)) {
        value |= UInt64(text[index]) << UInt64((index - offset) * 8)
      }
      // Word by word and atomically: a reader may be looking. In bounds: the capacity is a multiple of 8.
      unsafe cxsk_counter_store(word(layout.descriptionOffset + offset), value.littleEndian)
    }
    self[.descriptionLength] = UInt64(text.count)
    self[.epoch] = (epoch | 1) &+ 1
  }

  /// The description's bytes as they are now; only the epoch tells whether they belong together. nil if its length is
  /// beyond its room.
  func descriptionBytes() -> [UInt8]? {
    let length = self[.descriptionLength]
    guard length <= UInt64(layout.descriptionCapacity) else { return nil }
    var text: [UInt8] = []
    text.reserveCapacity(Int(length) + 8)
    for offset in stride(from: 0, to: Int(length), by: 8) {
      // In bounds: the capacity is a multiple of 8 and not less than the length.
      let value = unsafe cxsk_counter_load(word(layout.descriptionOffset + offset)).littleEndian
      for byte in 0..<8 { text.append(UInt8(truncatingIfNeeded: value >> UInt64(byte * 8))) }
    }
    text.removeLast(text.count - Int(length))
    return text
  }

  static func encode(_ description: CounterDescription, subject: String) throws(XSKError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(description)) } catch {
      throw XSKError(subject, "the description can't be written as JSON: \(error)", remedy: "report this as a bug")
    }
  }

  private func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
    unsafe (mapping.base + offset).assumingMemoryBound(to: UInt64.self)  // 8-byte aligned: all offsets are
  }
}

/// A clock of clock_gettime(2), in nanoseconds.
func clockNanoseconds(_ clock: clockid_t) -> UInt64 {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
