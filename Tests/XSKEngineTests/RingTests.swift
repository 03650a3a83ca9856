import CXsk
import Testing

@testable import XSKEngine

/// Both halves of the four rings over plain memory, pushed through without a kernel.
@Suite struct RingTests {
  /// Rings of one size with both halves at hand.
  struct Pair: ~Copyable {
    let memory: SimulatedRingMemory
    var fill: FillRing
    var completion: CompletionRing
    var receive: ReceiveRing
    var transmit: TransmitRing
    var kernel: KernelRings

    init(size: UInt32, startIndex: UInt32 = 0) {
      memory = SimulatedRingMemory(
        RingSizes(receive: size, transmit: size, fill: size, completion: size), startIndex: startIndex)
      fill = unsafe FillRing(memory.fill)
      completion = unsafe CompletionRing(memory.completion)
      receive = unsafe ReceiveRing(memory.receive)
      transmit = unsafe TransmitRing(memory.transmit)
      kernel = KernelRings(memory)
    }
  }

  static let counts = [1, 2, 63, 64, 65, 1000, 10_000]
  /// From the first index, and from just before the indices wrap at 2³².
  static let starts: [UInt32] = [0, 0xffff_fff0, 0xffff_ffff]

  @Test(arguments: counts, starts) func `the fill ring hands every frame over once and in order`(
    count: Int, start: UInt32
  ) {
    for size in [1, 2, 64] as [UInt32] {
      var rings = Pair(size: size, startIndex: start)
      var random = SeededGenerator(state: UInt64(count))
      var (written, taken) = (0, 0)
      while taken < count {
        let room = Int(rings.fill.room(for: UInt32(min(count - written, .random(in: 1...80, using: &random)))))
        for _ in 0..<room { rings.fill.write(UInt64(written) << 11); written += 1 }
        rings.fill.publish()
        #expect(rings.fill.pending == UInt32(written - taken))
        for _ in 0..<Int.random(in: 1...80, using: &random) {
          guard let frame = rings.kernel.takeFill() else { break }
          #expect(frame == UInt64(taken) << 11)
          taken += 1
        }
        rings.kernel.publish()
        #expect(written - taken <= Int(size))
      }
      #expect(rings.kernel.takeFill() == nil && written == count)
    }
  }

  @Test(arguments: counts, starts) func `the completion ring hands every frame back once and in order`(
    count: Int, start: UInt32
  ) {
    for size in [1, 2, 64] as [UInt32] {
      var rings = Pair(size: size, startIndex: start)
      var random = SeededGenerator(state: UInt64(count))
      var (written, taken) = (0, 0)
      while taken < count {
        for _ in 0..<min(count - written, .random(in: 1...80, using: &random)) {
          guard rings.kernel.putCompletion(UInt64(written) << 11) else { break }
          written += 1
        }
        rings.kernel.publish()
        #expect(rings.completion.pending == UInt32(written - taken))
        for _ in 0..<rings.completion.available(upTo: .random(in: 1...80, using: &random)) {
          #expect(rings.completion.read() == UInt64(taken) << 11)
          taken += 1
        }
        rings.completion.release()
        #expect(written - taken <= Int(size))
      }
      #expect(rings.completion.available(upTo: 1) == 0 && written == count)
    }
  }

  @Test(arguments: counts, starts) func `the RX ring hands every descriptor over once and in order`(
    count: Int, start: UInt32
  ) {
    for size in [1, 2, 64] as [UInt32] {
      var rings = Pair(size: size, startIndex: start)
      var random = SeededGenerator(state: UInt64(count))
      var (written, taken) = (0, 0)
      while taken < count {
        for _ in 0..<min(count - written, .random(in: 1...80, using: &random)) {
          guard rings.kernel.putReceive(Self.descriptor(written)) else { break }
          written += 1
        }
        rings.kernel.publish()
        #expect(rings.receive.pending == UInt32(written - taken))
        let available = rings.receive.available(upTo: .random(in: 1...80, using: &random))
        for place in 0..<available { #expect(rings.receive.peek(place) == Self.descriptor(taken + Int(place))) }
        rings.receive.release(available)
        taken += Int(available)
        #expect(written - taken <= Int(size))
      }
      #expect(rings.receive.available(upTo: 1) == 0 && written == count)
    }
  }

  @Test(arguments: counts, starts) func `the TX ring hands every descriptor over once and in order`(
    count: Int, start: UInt32
  ) {
    for size in [1, 2, 64] as [UInt32] {
      var rings = Pair(size: size, startIndex: start)
      var random = SeededGenerator(state: UInt64(count))
      var (written, taken) = (0, 0)
      while taken < count {
        let room = Int(rings.transmit.room(for: UInt32(min(count - written, .random(in: 1...80, using: &random)))))
        for _ in 0..<room { rings.transmit.write(Self.descriptor(written)); written += 1 }
        rings.transmit.publish()
        #expect(rings.transmit.pending == UInt32(written - taken))
        for _ in 0..<Int.random(in: 1...80, using: &random) {
          guard let descriptor = rings.kernel.takeTransmit() else { break }
          #expect(descriptor == Self.descriptor(taken))
          taken += 1
        }
        rings.kernel.publish()
        #expect(written - taken <= Int(size))
      }
      #expect(rings.kernel.takeTransmit() == nil && written == count)
    }
  }

  static func descriptor(_ number: Int) -> Descriptor {
    Descriptor(address: UInt64(number) * 2048, length: UInt32(number % 1500), options: UInt32(number & 1))
  }

  // MARK: Edges

  @Test(arguments: starts) func `what is written is not seen before it is published`(start: UInt32) {
    var rings = Pair(size: 4, startIndex: start)
    #expect(rings.fill.room(for: 4) == 4)
    for frame in 0..<4 as Range<UInt64> { rings.fill.write(frame) }
    #expect(rings.kernel.takeFill() == nil)
    rings.fill.publish()
    #expect(rings.kernel.takeFill() == 0)
  }

  @Test(arguments: starts) func `a full ring has no room until the other side releases`(start: UInt32) {
    var rings = Pair(size: 4, startIndex: start)
    _ = rings.transmit.room(for: 4)
    for number in 0..<4 { rings.transmit.write(Self.descriptor(number)) }
    rings.transmit.publish()
    #expect(rings.transmit.room(for: 1) == 0)
    #expect(rings.kernel.takeTransmit() == Self.descriptor(0))
    #expect(rings.transmit.room(for: 4) == 0, "taken but not released")
    rings.kernel.publish()
    #expect(rings.transmit.room(for: 4) == 1)
  }

  @Test(arguments: starts) func `the cached view is refreshed only when it runs out`(start: UInt32) {
    var rings = Pair(size: 8, startIndex: start)
    for number in 0..<3 { _ = rings.kernel.putReceive(Self.descriptor(number)) }
    rings.kernel.publish()
    #expect(rings.receive.available(upTo: 8) == 3)
    for number in 3..<5 { _ = rings.kernel.putReceive(Self.descriptor(number)) }
    rings.kernel.publish()
    #expect(rings.receive.indices.cachedProducer == start &+ 3)
    #expect(rings.receive.available(upTo: 3) == 3)
    #expect(rings.receive.indices.cachedProducer == start &+ 3, "three were known: no look at shared memory")
    #expect(rings.receive.available(upTo: 4) == 4)
    #expect(rings.receive.indices.cachedProducer == start &+ 5)
    rings.receive.release(4)
    #expect(rings.receive.available(upTo: 1) == 1)
    rings.receive.release(1)
    #expect(rings.receive.available(upTo: 1) == 0)
  }

  @Test func `an empty ring has nothing, however much is asked for`() {
    var rings = Pair(size: 64)
    for count in [0, 1, 64, 65, .max] as [UInt32] {
      #expect(rings.receive.available(upTo: count) == 0)
      #expect(rings.completion.available(upTo: count) == 0)
      #expect(rings.fill.room(for: count) == min(64, count))
      #expect(rings.transmit.room(for: count) == min(64, count))
    }
  }

  @Test(arguments: starts) func `a window's pieces cover the ring in order across its end`(start: UInt32) {
    var rings = Pair(size: 8, startIndex: start &- 3)
    _ = rings.transmit.room(for: 8)
    for number in 0..<8 { rings.transmit.write(Self.descriptor(number)) }
    let window = unsafe RingWindow(rings.transmit.entries, from: start &- 3, size: 8)
    var seen: [Descriptor] = []
    while seen.count < 8 {
      let piece = unsafe window.piece(from: UInt32(seen.count), count: 8 - UInt32(seen.count))
      unsafe seen.append(contentsOf: piece)
    }
    #expect(seen == (0..<8).map(Self.descriptor))
  }

  // MARK: An other side that lies

  /// What the other side may write to its index, relative to ours, and what may be believed of it.
  static let lies: [(offset: UInt32, believed: UInt32)] = [
    (0, 0), (1, 1), (63, 63), (64, 64), (65, 0), (66, 0), (0x7fff_ffff, 0), (0x8000_0000, 0), (0xffff_ffff, 0),
    (0xffff_ffc0, 0), (0xffff_ffbf, 0),
  ]

  @Test(arguments: lies, starts) func `a lying producer is never believed beyond the ring`(
    lie: (offset: UInt32, believed: UInt32), start: UInt32
  ) {
    var rings = Pair(size: 64, startIndex: start)
    unsafe cxsk_store_release(rings.memory.receive.producer, start &+ lie.offset)
    unsafe cxsk_store_release(rings.memory.completion.producer, start &+ lie.offset)
    #expect(rings.receive.available(upTo: .max) == lie.believed)
    #expect(rings.completion.available(upTo: .max) == lie.believed)
    #expect(rings.receive.pending <= 64 && rings.completion.pending <= 64)
  }

  @Test(arguments: lies, starts) func `a lying consumer never gets more written than the ring holds`(
    lie: (offset: UInt32, believed: UInt32), start: UInt32
  ) {
    // A consumer that stands `offset` behind the producer leaves the rest of the ring as room.
    let room: UInt32 = lie.offset <= 64 ? 64 - lie.offset : 0
    var rings = Pair(size: 64, startIndex: start)
    unsafe cxsk_store_release(rings.memory.fill.consumer, start &- lie.offset)
    unsafe cxsk_store_release(rings.memory.transmit.consumer, start &- lie.offset)
    // The first view was taken when the ring was made; wear it out.
    #expect(rings.fill.room(for: 64) == 64 && rings.transmit.room(for: 64) == 64)
    rings.fill.indices.cachedConsumer = start &- 64
    rings.transmit.indices.cachedConsumer = start &- 64
    #expect(rings.fill.room(for: .max) == room)
    #expect(rings.transmit.room(for: .max) == room)
    #expect(rings.fill.pending <= 64 && rings.transmit.pending <= 64)
  }

  @Test func `a producer that lied and then tells the truth is heard`() {
    var rings = Pair(size: 64)
    unsafe cxsk_store_release(rings.memory.receive.producer, 1000)
    #expect(rings.receive.available(upTo: 8) == 0)
    unsafe cxsk_store_release(rings.memory.receive.producer, 5)
    #expect(rings.receive.available(upTo: 8) == 5)
  }

  @Test func `need_wakeup is read from the ring's own flags`() {
    let rings = Pair(size: 64)
    #expect(!rings.transmit.needsWakeup && !rings.fill.needsWakeup)
    rings.kernel.setTransmitNeedsWakeup(true)
    #expect(rings.transmit.needsWakeup && !rings.fill.needsWakeup)
    rings.kernel.setTransmitNeedsWakeup(false)
    rings.kernel.setFillNeedsWakeup(true)
    #expect(!rings.transmit.needsWakeup && rings.fill.needsWakeup)
  }

  // MARK: Sizes

  @Test(
    arguments: [
      (RingSizes(), nil),
      (RingSizes(receive: 1, transmit: 1), nil),
      (RingSizes(receive: 65536, transmit: 65536), nil),
      (RingSizes(receive: 0, transmit: 64, fill: 64), "RX ring of 0 entries"),
      (RingSizes(receive: 64, transmit: 0, completion: 64), "TX ring of 0 entries"),
      (RingSizes(receive: 64, transmit: 64, fill: 100), "fill ring of 100 entries"),
      (RingSizes(receive: 64, transmit: 64, completion: 65537), "completion ring of 65537 entries"),
      (RingSizes(receive: 131_072, transmit: 64), "RX ring of 131072 entries"),
      (RingSizes(receive: .max, transmit: 64), "RX ring of 4294967295 entries"),
    ] as [(RingSizes, String?)])
  func `ring sizes are powers of two up to 65536`(sizes: RingSizes, subject: String?) {
    #expect(
      problem(sizes.validate) == subject.map { "\($0): not a power of two from 1 to 65536; give one, such as 2048" })
  }

  @Test func `the fill ring is twice the RX ring unless told otherwise`() {
    #expect(
      RingSizes(receive: 512, transmit: 256) == RingSizes(receive: 512, transmit: 256, fill: 1024, completion: 256))
    #expect(RingSizes(receive: 65536).fill == 65536, "as large as a ring can be")
  }
}
