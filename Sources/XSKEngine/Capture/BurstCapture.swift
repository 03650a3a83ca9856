/// The worker's side of a capture, while there is one: what was noted of a burst's packets, and where their records lie.
@usableFromInline struct BurstCapture: ~Copyable {
  /// What the handler noted of each packet, by its index; at the end a place for packets that are not of the burst.
  private var rules: FixedArray<UInt32>
  private var samplers: FixedArray<UInt32>
  /// Where each packet's record is, by its place in the order of leaving; or one of the marks below.
  private var records: FixedArray<UInt64>
  /// No packet has a note.
  private var isBlank = true
  private var memory: CaptureMemory?
  private var test = CaptureTest(CaptureSelection())
  /// Of the ring, which the worker keeps as long as this is armed.
  private var filter: FixedArray<PacketFilter.Instruction>.View?
  /// The burst's packets leave in the order that the handler gave, so that notes have other places than records.
  var isReordered = false
  /// Where the next record goes, and what the reader is known to have given back.
  private var next: UInt64 = 0
  private var tail: UInt64 = 0
  private var taken: UInt64 = 0
  private var random: UInt64 = 0

  private static let none = UInt64.max
  /// It was looked at and is not taken, whatever becomes of it.
  private static let declined = UInt64.max - 1

  init(capacity: Int) {
    rules = FixedArray(repeating: CaptureRecordHead.noRule, count: capacity + 1)
    samplers = FixedArray(repeating: CaptureRecordHead.noRule, count: capacity + 1)
    records = FixedArray(repeating: Self.none, count: capacity + 1)
  }

  /// The place for packets that are not of the burst.
  var lonePlace: Int { records.count &- 1 }

  /// Begins a capture, or ends it. Between bursts.
  mutating func arm(_ ring: CaptureRing?) {
    forgetNotes(rules.count &- 1)
    memory = ring?.memory
    filter = ring?.filter
    guard let ring else { return }
    test = ring.test
    (next, tail, taken, random) = (ring.published, ring.tail, 0, ring.seed)
  }

  mutating func note(rule: UInt32, at index: Int) {
    rules[index] = rule
    isBlank = false
  }

  mutating func sample(_ index: Int, rule: UInt32) {
    samplers[index] = rule
    isBlank = false
  }

  mutating func forgetNotes(_ count: Int) {
    guard !isBlank else { return }
    rules.view.fill(CaptureRecordHead.noRule, count: count)
    samplers.view.fill(CaptureRecordHead.noRule, count: count)
    isBlank = true
  }

  mutating func forgetRecord(_ place: Int) { records[place] = Self.none }

  /// Whether a packet's fate is still open to a capture: it has a record that may be amended, or was not yet looked at.
  func isOpen(_ place: Int) -> Bool { records[place] != Self.declined }

  /// A packet that was recorded as forwarded is dropped instead.
  ///
  /// - Returns: false: it has no record.
  mutating func amend(_ place: Int, reason: DropReason) -> Bool {
    let position = records[place]
    guard position < Self.declined, let memory else { return false }
    var head = memory.head(at: position)
    (head.decision, head.reason) = (CaptureRecordHead.Decision.dropped, reason.rawValue)
    memory.setHead(head, at: position)
    return true
  }

  /// Records a packet if it is one that the capture takes.
  ///
  /// - Parameters:
  ///   - packet: all that is known of it but its notes.
  ///   - index: of its notes; `place`: of its record.
  ///   - first: its first descriptor; nil: no bytes of it can be had.
  mutating func consider(
    _ packet: CaptureRecordHead, index: Int, place: Int, _ first: Descriptor?, _ fragments: FixedArray<Descriptor>.View,
    _ layout: UMEMLayout
  ) {
    guard let memory else { return }
    var packet = packet
    (packet.rule, packet.sampler) = (rules[index], samplers[index])
    guard test.holds(packet) else { return }
    records[place] = Self.declined
    guard isDrawn(), taken < test.limit, matchesFilter(packet, first, layout) else { return }
    memory.countMatched(packet.port)
    packet.captured = first == nil ? 0 : min(packet.length, UInt32(truncatingIfNeeded: test.snapLength))
    guard hasRoom(packet.size, memory) else { return memory.countLost(packet.port) }
    packet.lost = memory.takeLost(packet.port)
    memory.setHead(packet, at: next)
    if let first { write(first, fragments, layout, packet.captured, memory) }
    records[place] = next
    next &+= packet.size
    taken &+= 1
  }

  /// Shows the reader everything that was recorded.
  func publish() {
    guard let memory else { return }
    memory.publish(upTo: next)
  }

  private mutating func hasRoom(_ size: UInt64, _ memory: CaptureMemory) -> Bool {
    if memory.capacity &- (next &- tail) < size { tail = memory.tail }
    return memory.capacity &- (next &- tail) >= size
  }

  private mutating func isDrawn() -> Bool {
    guard test.oneIn > 1 else { return true }
    // SplitMix64; its upper half, scaled to 0 ..< oneIn.
    random &+= 0x9E37_79B9_7F4A_7C15
    var word = random
    word = (word ^ word &>> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word &>> 27) &* 0x94D0_49BB_1331_11EB
    word ^= word &>> 31
    return ((word &>> 32) &* UInt64(test.oneIn)) &>> 32 == 0
  }

  private func matchesFilter(_ packet: CaptureRecordHead, _ first: Descriptor?, _ layout: UMEMLayout) -> Bool {
    guard let filter else { return true }
    guard let first else { return false }
    // Safe: the ring's program lives as long as it is armed; the worker has checked the descriptor, and the frame is still its own.
    let program = unsafe Span(_unsafeElements: filter.piece(0..<filter.count))
    let bytes = unsafe RawSpan(_unsafeStart: layout.pointer(to: first.address), byteCount: Int(first.length))
    return PacketFilter.run(program, bytes, length: packet.length) != 0
  }

  /// Gathers a packet's first `count` bytes behind the head at `next`.
  private func write(
    _ first: Descriptor, _ fragments: FixedArray<Descriptor>.View, _ layout: UMEMLayout, _ count: UInt32,
    _ memory: CaptureMemory
  ) {
    var position = next &+ CaptureRecordHead.stride
    var rest = Int(count)
    var piece = first
    var further = Burst.fragmentRange(first)
    // Safe: each descriptor was checked when it was taken, and the frames are still the worker's.
    while true {
      let length = min(rest, Int(piece.length))
      unsafe memory.write(layout.pointer(to: piece.address), count: length, at: position)
      position &+= UInt64(length)
      rest &-= length
      guard rest > 0, !further.isEmpty else { return }
      piece = fragments[further.lowerBound]
      further = further.lowerBound &+ 1..<further.upperBound
    }
  }
}

extension Burst {
  /// Keeps what a handler wants to tell of a packet to whoever captures, by the packet's index; no effect unless
  /// `isCapturing`, which is worth asking once a burst.
  ///
  /// - Parameter rule: the number of the rule that decided about the packet, not 4,294,967,295. Whoever shows the capture knows
  ///   the rules' names.
  public mutating func note(rule: UInt32, at index: Int) {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    if isCapturing { capture.note(rule: rule, at: index) }
  }

  /// Marks a packet as sampled: a capture of samples takes it, whatever its verdict will be. As `note` otherwise.
  ///
  /// - Parameter rule: the number of the rule that samples it.
  public mutating func sample(_ index: Int, rule: UInt32) {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    if isCapturing { capture.sample(index, rule: rule) }
  }
}
