/// A packet that the handler keeps beyond its burst. Must be given back through `HeldPackets.release`.
@frozen public struct HeldPacket: Hashable, Sendable {
  let index: Int32
  /// Tells a packet from a later one in the same place, so that releasing twice is noticed.
  let generation: UInt32

  /// No packet: what a place of an array is before it has one.
  public static let none = HeldPacket(index: -1, generation: 0)
}

/// A place of the table of held packets.
struct HeldEntry {
  var head = Descriptor(address: 0, length: 0)
  var fragmentCount = 0
  var slot = 0
  var generation: UInt32 = 0
  var isUsed = false
  var verdict = Verdict.held
}

/// The packets that a handler holds: a bounded table, and those that it has decided since.
///
/// A held packet's frames stay out of the pool, so as many can be held as the engine was configured for and no more.
public struct HeldPackets: ~Copyable {
  private var entries: FixedArray<HeldEntry>
  private var fragments: FixedArray<Descriptor>
  private var free: FixedArray<Int32>
  private var freeCount: Int
  private var released: FixedArray<Int32>
  private var releasedCount = 0
  /// How many of the released ones the worker has taken.
  private var takenCount = 0
  /// Frames of the packets held now.
  private(set) var frameCount = 0
  /// How many of the packets are of each of the worker's queues.
  private var counts: FixedArray<Int>

  init(capacity: Int, slots: Int) {
    counts = FixedArray(repeating: 0, count: slots)
    entries = FixedArray(repeating: HeldEntry(), count: capacity)
    fragments = FixedArray(
      repeating: Descriptor(address: 0, length: 0), count: capacity * Burst.maximumFragments)
    free = FixedArray(repeating: 0, count: capacity)
    released = FixedArray(repeating: 0, count: capacity)
    freeCount = capacity
    for index in 0..<capacity { free[index] = Int32(capacity - 1 - index) }
  }

  /// Packets that can be held at once.
  var capacity: Int { entries.count }

  /// Packets held now, released ones that the worker has not yet taken included.
  public var count: Int { entries.count - freeCount }

  /// Gives a packet back with its verdict; the worker carries it out in the same turn or at the next housekeeping.
  ///
  /// Releasing a packet twice is a programming error and traps.
  public mutating func release(_ packet: HeldPacket, _ verdict: Verdict) {
    let index = Int(packet.index)
    precondition(
      entries[index].isUsed && entries[index].generation == packet.generation && entries[index].verdict == .held,
      "a held packet is released once")
    precondition(verdict != .held, "a held packet is released with what is to become of it")
    entries[index].verdict = verdict
    released[releasedCount] = packet.index
    releasedCount += 1
  }

  mutating func insert(_ head: Descriptor, slot: Int) -> HeldPacket? {
    guard freeCount > 0 else { return nil }
    freeCount -= 1
    let index = Int(free[freeCount])
    entries[index].head = head
    entries[index].fragmentCount = Burst.fragmentRange(head).count
    entries[index].slot = slot
    entries[index].isUsed = true
    entries[index].verdict = .held
    counts[slot] += 1
    frameCount += 1 + entries[index].fragmentCount
    return HeldPacket(index: Int32(index), generation: entries[index].generation)
  }

  mutating func setFragment(_ place: Int, of packet: HeldPacket, to descriptor: Descriptor) {
    fragments[Int(packet.index) * Burst.maximumFragments + place] = descriptor
  }

  /// Packets of one queue that are held now.
  func count(slot: Int) -> Int { counts[slot] }

  /// Releases everything that is still held.
  mutating func releaseAll(_ verdict: Verdict) {
    for index in 0..<entries.count where entries[index].isUsed && entries[index].verdict == .held {
      release(HeldPacket(index: Int32(index), generation: entries[index].generation), verdict)
    }
  }

  var hasReleased: Bool { releasedCount > 0 }

  /// Takes a packet out of the table again, undecided. Its further descriptors are copied to `fragments` from `start` on.
  mutating func remove(
    _ packet: HeldPacket, slot: Int, fragments target: inout FixedArray<Descriptor>, start: Int
  ) -> Descriptor {
    let index = Int(packet.index)
    precondition(
      entries[index].isUsed && entries[index].generation == packet.generation && entries[index].verdict == .held,
      "a held packet is readmitted once, and not after it was released")
    precondition(entries[index].slot == slot, "a held packet is readmitted to its own queue's burst")
    return take(index, &target, start)
  }

  /// Takes one released packet out of the table, in the order of release, so that a flow's packets keep theirs. Its further
  /// descriptors are copied to `scratch` from `start` on. The worker takes until there are no more.
  mutating func takeReleased(
    scratch: inout FixedArray<Descriptor>, start: Int
  ) -> (head: Descriptor, slot: Int, verdict: Verdict)? {
    guard takenCount < releasedCount else {
      (releasedCount, takenCount) = (0, 0)
      return nil
    }
    let index = Int(released[takenCount])
    takenCount += 1
    let (slot, verdict) = (entries[index].slot, entries[index].verdict)
    return (take(index, &scratch, start), slot, verdict)
  }

  private mutating func take(_ index: Int, _ target: inout FixedArray<Descriptor>, _ start: Int) -> Descriptor {
    var head = entries[index].head
    let count = entries[index].fragmentCount
    for place in 0..<count {
      target[start + place] = fragments[index * Burst.maximumFragments + place]
    }
    head.options = count == 0 ? 0 : Burst.fragmentOptions(start: start, count: count)
    entries[index].isUsed = false
    entries[index].generation &+= 1
    counts[entries[index].slot] -= 1
    frameCount -= 1 + count
    free[freeCount] = Int32(index)
    freeCount += 1
    return head
  }
}
