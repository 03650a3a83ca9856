import PacketHeaders

/// All of GRO's memory, in one block. Each array lies at a fixed place in it, so that one register reaches them all.
///
/// Arrays have room for the largest capacity. Indices stay inside: packets and flows are below the burst's count, which
/// `process` checks; slots are masked; units number at most two a packet (each packet begins at most one unit on arrival and
/// one more when its epoch is sorted).
@frozen @safe @usableFromInline
struct GROMemory {
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable static var maximumCapacity: Int { 1024 }
  @inlinable static var barrierSlots: Int { 256 }
  @inlinable static var indexSlots: Int { 16 * maximumCapacity }
  /// The sort's bins: bin *n* has a run of 2ⁿ packets.
  @inlinable static var binCount: Int { 16 }

  @inlinable static var summariesOffset: Int { 64 * maximumCapacity }
  @inlinable static var linksOffset: Int { summariesOffset + 96 * maximumCapacity }
  @inlinable static var placesOffset: Int { linksOffset + 2 * maximumCapacity }
  @inlinable static var indexOffset: Int { placesOffset + 4 * maximumCapacity }
  @inlinable static var barriersOffset: Int { indexOffset + 4 * indexSlots }
  @inlinable static var binsOffset: Int { barriersOffset + 4 * barrierSlots }
  @inlinable static var checksOffset: Int { binsOffset + 2 * binCount }
  @inlinable static var heldOffset: Int { checksOffset + maximumCapacity }
  @inlinable static var sinceOffset: Int { heldOffset + 2 * maximumCapacity }
  @inlinable static var nextSinceOffset: Int { sinceOffset + 8 * maximumCapacity }
  @inlinable static var unitsOffset: Int { nextSinceOffset + 8 * maximumCapacity }
  @inlinable static var unitsSize: Int { 16 * 2 * maximumCapacity }
  @inlinable static var size: Int { unitsOffset + 2 * unitsSize }

  init() {
    precondition(MemoryLayout<PacketSummary>.stride == 96)
    precondition(MemoryLayout<Flow>.stride == 64 && MemoryLayout<GROUnit>.stride == 16)
    unsafe base = .allocate(byteCount: Self.size, alignment: 64)
    // All zeros is a valid value of every element; what matters is written before it is read.
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size)
  }

  func deallocate() { unsafe base.deallocate() }

  @inlinable @inline(always)
  func array<Element>(_ offset: Int, _ type: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    unsafe (base + offset).assumingMemoryBound(to: type)
  }

  // What is used for every packet. A loop takes a copy of this: the address is then in a register.
  @inlinable @inline(always) var flows: UnsafeMutablePointer<Flow> { unsafe array(0) }
  @inlinable @inline(always) var summaries: UnsafeMutablePointer<PacketSummary> {
    unsafe array(Self.summariesOffset)
  }
  @inlinable @inline(always) var links: UnsafeMutablePointer<UInt16> { unsafe array(Self.linksOffset) }
  @inlinable @inline(always) var places: UnsafeMutablePointer<PacketPlace> { unsafe array(Self.placesOffset) }
  @inlinable @inline(always) var index: UnsafeMutablePointer<UInt32> { unsafe array(Self.indexOffset) }
  @inlinable @inline(always) var units: UnsafeMutablePointer<GROUnit> { unsafe array(Self.unitsOffset) }
}

extension GROLite {
  @inlinable @inline(always) var flows: UnsafeMutablePointer<Flow> { unsafe memory.flows }
  @inlinable @inline(always) var summaries: UnsafeMutablePointer<PacketSummary> { unsafe memory.summaries }
  @inlinable @inline(always) var links: UnsafeMutablePointer<UInt16> { unsafe memory.links }
  @inlinable @inline(always) var index: UnsafeMutablePointer<UInt32> { unsafe memory.index }
  @inlinable @inline(always) var units: UnsafeMutablePointer<GROUnit> { unsafe memory.units }
  /// Where units are put in order.
  @inlinable @inline(always) var spareUnits: UnsafeMutablePointer<GROUnit> {
    unsafe memory.array(GROMemory.unitsOffset + GROMemory.unitsSize)
  }
  @inlinable @inline(always) var barriers: UnsafeMutablePointer<UInt32> {
    unsafe memory.array(GROMemory.barriersOffset)
  }
  @inlinable @inline(always) var bins: UnsafeMutablePointer<UInt16> { unsafe memory.array(GROMemory.binsOffset) }
  @inlinable @inline(always) var checks: UnsafeMutablePointer<Check> { unsafe memory.array(GROMemory.checksOffset) }
  @inlinable @inline(always) var heldIndices: UnsafeMutablePointer<UInt16> { unsafe memory.array(GROMemory.heldOffset) }
  @inlinable @inline(always) var heldSince: UnsafeMutablePointer<UInt64> { unsafe memory.array(GROMemory.sinceOffset) }
  @inlinable @inline(always) var nextSince: UnsafeMutablePointer<UInt64> {
    unsafe memory.array(GROMemory.nextSinceOffset)
  }
}
