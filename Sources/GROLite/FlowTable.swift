import PacketHeaders

/// The index of a burst's flows, as a plain value that stays in registers through a loop: slots of a hash, each with the
/// number of the first flow in it. A flow tag is its slot, or else the hash of addresses and ports.
@frozen @usableFromInline
struct FlowTable: BitwiseCopyable {
  @usableFromInline let memory: GROMemory
  @usableFromInline let seed: UInt64
  @usableFromInline let slotMask: Int
  @usableFromInline let generation: UInt32

  @inlinable @inline(always)
  init(memory: GROMemory, seed: UInt64, slotMask: Int, generation: UInt32) {
    (self.memory, self.seed, self.slotMask, self.generation) = (memory, seed, slotMask, generation)
  }

  @inlinable @inline(always)
  func slot(_ tag: FlowTag) -> Int { Int(tag.id) & slotMask }

  /// The slot of an IPv4 packet without a tag. Its protocol is left out: what has the same ports is compared anyway.
  @inlinable @inline(always)
  func slot(_ addresses: UInt64, _ ports: UInt32) -> Int {
    let hash = Self.mix(addresses ^ seed, UInt64(ports) ^ 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: hash) & slotMask
  }

  /// The slot of an IPv6 packet without a tag.
  @inlinable @inline(always)
  func slot(_ one: UInt64, _ two: UInt64, _ three: UInt64, _ four: UInt64, _ ports: UInt32) -> Int {
    let source = Self.mix(one ^ seed, two ^ 0xD6E8_FEB8_6659_FD93)
    let destination = Self.mix(three ^ seed, four ^ 0xA076_1D64_78BD_642F)
    let hash = Self.mix(source ^ destination &<< 1, UInt64(ports) ^ 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: hash) & slotMask
  }

  /// The two halves of a 128-bit product, folded.
  @inlinable @inline(always)
  static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  /// The slots of untagged TCP and UDP over plain IP, before it is parsed; of any other packet some slot.
  @inlinable @inline(always)
  func shortSlotIPv4(_ frame: RawSpan) -> Int { slot(frame.quadWord(26), frame.doubleWord(34)) }

  @inlinable @inline(always)
  func shortSlotIPv6(_ frame: RawSpan) -> Int {
    slot(frame.quadWord(22), frame.quadWord(30), frame.quadWord(38), frame.quadWord(46), frame.doubleWord(54))
  }

  /// The first flow of this burst in a slot: its number; 0x10000 or more if there is none.
  @inlinable @inline(always)
  func entry(_ slot: Int) -> UInt32 {
    // The slot was masked.
    unsafe memory.index[slot] ^ generation
  }
}
