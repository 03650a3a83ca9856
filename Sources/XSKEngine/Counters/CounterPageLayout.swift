/// Where everything is in a counter page, layout version 2.
///
/// ```
///        0 ┌───────────────────────────────────────────────────────────────┐
///          │ header: 4096 bytes, fields of 8 bytes (CounterPageField)       │
///          │   0 magic        8 version      16 header bytes   24 epoch     │
///          │  32 pid         40 pid's start  48 started (Unix ns)           │
///          │  56 started (CLOCK_MONOTONIC ns)       64 state                │
///          │  72 page bytes                                                 │
///          │  80 description: offset   88 capacity   96 length              │
///          │ 104 workers:     offset  112 stride    120 count               │
///          │ 128 slots:       offset  136 stride    144 count               │
///     4096 ├───────────────────────────────────────────────────────────────┤
///          │ description: JSON (CounterDescription), zeros up to capacity   │
///  workers ├───────────────────────────────────────────────────────────────┤
///          │ worker 0:   64 × UInt64, one for each WorkerCounter            │
///          │ worker 1 …                                                     │
///    slots ├───────────────────────────────────────────────────────────────┤
///          │ slot 0:    320 × UInt64: 0…63 QueueCounter, 64…319 DropReason  │
///          │ slot 1 …                                                       │
///          └───────────────────────────────────────────────────────────────┘
/// ```
///
/// All numbers are in the byte order of the machine: a page is read on the host that writes it. Blocks begin at
/// multiples of 128 bytes (two cache lines: processors prefetch lines in pairs), so that no two workers write to one
/// line. A slot is one (device, queue) of one worker.
///
/// The epoch is a sequence lock over the description: odd while it is being rewritten, and greater by two afterwards.
/// Counters aren't under it: each is one aligned 64-bit word with one writer, and can be read at any time.
@frozen public struct CounterPageLayout: Hashable, Sendable {
  /// `XSKCNTR1` as a little-endian number.
  public static let magic: UInt64 = 0x3152_544E_434B_5358
  public static let version: UInt64 = 2
  public static let headerBytes = 4096
  public static let blockAlignment = 128
  /// Counters in a worker's block.
  public static let workerCounters = 64
  /// Words in a slot's block: counters, then drop reasons.
  @inlinable public static var slotCounters: Int { 320 }
  /// The first drop reason's place in a slot's block.
  @inlinable public static var firstDropReason: Int { 64 }

  /// What a page may have at most. A reader refuses more, so that a damaged page can't make it allocate without bound.
  public static let maximumWorkers = 4096
  public static let maximumSlots = 16384
  public static let maximumDescriptionBytes = 16 << 20

  /// Offsets and strides are in bytes.
  public let pageBytes: Int
  public let descriptionOffset: Int
  public let descriptionCapacity: Int
  public let workerOffset: Int
  public let workerStride: Int
  public let workerCount: Int
  public let slotOffset: Int
  public let slotStride: Int
  public let slotCount: Int

  /// The layout that this version writes.
  ///
  /// The description gets twice the room that it needs at first, and at least 8 KiB: it is rewritten in place.
  /// - Throws: when there are more workers or slots than a page may have.
  public init(workers: Int, slots: Int, descriptionBytes: Int) throws(XSKError) {
    guard (0...Self.maximumWorkers).contains(workers), (0...Self.maximumSlots).contains(slots),
      (0...Self.maximumDescriptionBytes / 2).contains(descriptionBytes)
    else {
      throw XSKError(
        "counter page", "\(workers) workers, \(slots) queues and \(descriptionBytes) bytes of description don't fit",
        remedy: "use at most \(Self.maximumWorkers) workers and \(Self.maximumSlots) queues")
    }
    descriptionOffset = Self.headerBytes
    descriptionCapacity = max(8192, roundUp(2 * descriptionBytes, to: 4096))
    workerOffset = descriptionOffset + descriptionCapacity
    workerStride = roundUp(Self.workerCounters * 8, to: Self.blockAlignment)
    workerCount = workers
    slotOffset = workerOffset + workers * workerStride
    slotStride = roundUp(Self.slotCounters * 8, to: Self.blockAlignment)
    slotCount = slots
    pageBytes = roundUp(slotOffset + slots * slotStride, to: 4096)
  }

  /// The layout that the header of somebody's page claims, if it lies within the page's real size.
  ///
  /// - Parameters:
  ///   - subject: what to call the page in an error.
  ///   - bytes: the size of the memory that `field` reads from.
  ///   - field: reads a field of the header. Nothing that it returns is trusted.
  init(validating subject: String, bytes: Int, field: (CounterPageField) -> UInt64) throws(XSKError) {
    guard bytes >= Self.headerBytes else {
      throw damaged(subject, "is \(bytes) bytes long, shorter than its \(Self.headerBytes)-byte header")
    }
    guard field(.magic) == Self.magic else {
      throw XSKError(subject, "not a counter page (wrong magic)", remedy: "name a file that xskfwd made")
    }
    guard field(.version) == Self.version else {
      throw XSKError(
        subject, "has layout version \(field(.version)), this program reads version \(Self.version)",
        remedy: "use the xskfwd that is running")
    }
    guard field(.headerBytes) == UInt64(Self.headerBytes) else {
      throw damaged(subject, "claims a header of \(field(.headerBytes)) bytes instead of \(Self.headerBytes)")
    }
    guard field(.pageBytes) == UInt64(bytes) else {
      throw damaged(subject, "is \(bytes) bytes long, but claims \(field(.pageBytes))")
    }
    let description = try Region(
      "description", of: subject, in: bytes, offset: field(.descriptionOffset), stride: 1,
      count: field(.descriptionCapacity), leastStride: 1, alignment: 8, maximum: Self.maximumDescriptionBytes)
    let workers = try Region(
      "workers", of: subject, in: bytes, offset: field(.workerOffset), stride: field(.workerStride),
      count: field(.workerCount), leastStride: Self.workerCounters * 8, alignment: Self.blockAlignment,
      maximum: Self.maximumWorkers)
    let slots = try Region(
      "slots", of: subject, in: bytes, offset: field(.slotOffset), stride: field(.slotStride),
      count: field(.slotCount), leastStride: Self.slotCounters * 8, alignment: Self.blockAlignment,
      maximum: Self.maximumSlots)
    guard description.count % 8 == 0 else {
      throw damaged(subject, "claims a description of \(description.count) bytes, no multiple of 8")
    }
    pageBytes = bytes
    (descriptionOffset, descriptionCapacity) = (description.offset, description.count)
    (workerOffset, workerStride, workerCount) = (workers.offset, workers.stride, workers.count)
    (slotOffset, slotStride, slotCount) = (slots.offset, slots.stride, slots.count)
  }
}

/// The header's fields; the raw value is the offset in bytes. Each is a UInt64.
enum CounterPageField: Int, CaseIterable {
  case magic = 0, version = 8, headerBytes = 16, epoch = 24
  case pid = 32, pidStart = 40, startedUnix = 48, startedMonotonic = 56
  case state = 64, pageBytes = 72
  case descriptionOffset = 80, descriptionCapacity = 88, descriptionLength = 96
  case workerOffset = 104, workerStride = 112, workerCount = 120
  case slotOffset = 128, slotStride = 136, slotCount = 144
}

/// A run of equal blocks that a header claims, known to lie behind the header and within the page.
private struct Region {
  let offset: Int
  let stride: Int
  let count: Int

  init(
    _ name: String, of subject: String, in bytes: Int, offset: UInt64, stride: UInt64, count: UInt64,
    leastStride: Int, alignment: Int, maximum: Int
  ) throws(XSKError) {
    let claim = "claims \(count) × \(stride) bytes of \(name) at offset \(offset)"
    guard count <= UInt64(maximum) else { throw damaged(subject, "\(claim), more than the \(maximum) possible") }
    guard stride >= UInt64(leastStride), stride % UInt64(min(alignment, leastStride)) == 0,
      offset % UInt64(alignment) == 0
    else { throw damaged(subject, "\(claim), misaligned or too narrow") }
    let (length, tooLong) = stride.multipliedReportingOverflow(by: count)
    let (end, tooFar) = offset.addingReportingOverflow(length)
    guard !tooLong, !tooFar, offset >= UInt64(CounterPageLayout.headerBytes), end <= UInt64(bytes) else {
      throw damaged(subject, "\(claim), outside of its \(bytes) bytes")
    }
    self.offset = Int(offset)
    self.stride = Int(stride)
    self.count = Int(count)
  }
}

/// The error for a page that contradicts itself.
func damaged(_ subject: String, _ problem: String) -> XSKError {
  XSKError(subject, problem, remedy: "remove the file if nothing runs that writes it")
}

private func roundUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
