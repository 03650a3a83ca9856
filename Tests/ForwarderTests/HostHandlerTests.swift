import Forwarder
import GROLite
import Glibc
import PacketHeaders
import PacketSamples
import Testing

@testable import XSKEngine

/// The other end of a TAP queue: a datagram socket, so that a test is the host's stack.
final class FakeStack {
  let descriptor: CInt
  private(set) var tap: TapDevice

  init(offloads: TapOffloads = .all) throws {
    var pair: [CInt] = [-1, -1]
    // Two descriptors are written to the array's two elements.
    let code = unsafe socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &pair)
    try #require(code == 0)
    descriptor = pair[0]
    tap = TapDevice(name: "fake", descriptors: [pair[1]], offloads: offloads)
  }

  deinit { close(descriptor) }

  /// What was written: virtio-net header and frame of each.
  func received() -> [(virtio: VirtioNetHeader, frame: [UInt8])] {
    var all: [(VirtioNetHeader, [UInt8])] = []
    var buffer = [UInt8](repeating: 0, count: 70_000)
    while true {
      // recv() writes at most the buffer's size.
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 10 else { return all }
      all.append((VirtioNetHeader(buffer.packet), Array(buffer[10..<count])))
    }
  }

  func send(_ virtio: VirtioNetHeader, _ frame: [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: 10)
    bytes.withMutablePacket { virtio.write(to: &$0) }
    bytes += frame
    // send() reads exactly the array's bytes.
    let sent = unsafe Glibc.send(descriptor, bytes, bytes.count, 0)
    #expect(sent == bytes.count)
  }
}

@Suite struct HostHandlerTests {
  static func rig(
    _ stack: FakeStack, coalesces: Bool = true, batch: Int = 64, frames: Int = 1024
  ) throws -> ForwarderRig<HostHandler> {
    try ForwarderRig(
      try HostHandler(try stack.tap.queue(0), coalesces: coalesces, batch: batch), ports: 1,
      umem: UMEMConfiguration(frames: frames), hasLocalPort: true, WorkerConfiguration(batch: batch, idle: .spin))
  }

  static func segments(_ count: Int, _ change: (inout SamplePacket, Int) -> Void = { _, _ in }) -> [[UInt8]] {
    (0..<count).map { number in
      SamplePacket {
        ($0.sequence, $0.identification) = (UInt32(number * 100), UInt16(number))
        $0.payload = SamplePacket.fill(100, from: number)
        change(&$0, number)
      }.frame
    }
  }

  // Of another host: of the same one it could be about the flow, and ends aggregates.
  static let ping = SamplePacket {
    ($0.transport, $0.sourceHost, $0.payload) = (.icmp, 9, SamplePacket.fill(56))
  }.frame

  static func cut(_ virtio: VirtioNetHeader, _ frame: [UInt8]) throws -> [[UInt8]] {
    var frame = frame
    var segmenter: Segmenter?
    frame.withMutablePacket { segmenter = Segmenter(virtio, &$0) }
    let made = try #require(segmenter)
    #expect(made.refusal == nil)
    return (0..<made.count).map { number in
      var header = [UInt8](repeating: 0, count: Segmenter.maximumHeader)
      var place = (0, 0..<0)
      header.withMutablePacket {
        let segment = made.writeSegment(number, of: frame.packet, to: &$0)
        place = (segment.headerLength, segment.payload)
      }
      return Array(header[..<place.0]) + frame[place.1]
    }
  }

  @Test func `an aggregate goes up as one super-frame, the others as they are`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack)
    let segments = Self.segments(7)
    #expect(rig.run(segments[..<4] + [Self.ping] + segments[4...], on: 0) == [[]])
    let seen = stack.received()
    #expect(seen.map(\.frame.count) == [54 + 700, 14 + 20 + 64])
    try #require(seen.count == 2)
    #expect(seen[0].virtio.gsoSize == 100 && seen[0].virtio.flags == VirtioNetHeader.needsChecksum)
    #expect(try Self.cut(seen[0].virtio, seen[0].frame) == segments)
    #expect(seen[1].virtio == VirtioNetHeader() && seen[1].frame == Self.ping)
    #expect(rig.count(.deliveredPackets, 0) == 8)
    #expect(rig.counters.worker(index: 0).get(.units) == 2)
    #expect(rig.finish() == [[]])
  }

  @Test func `without GRO each packet goes up alone`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack, coalesces: false)
    let frames = Self.segments(7) + [Self.ping]
    _ = rig.run(frames, on: 0)
    let seen = stack.received()
    #expect(seen.map(\.frame) == frames && seen.allSatisfy { $0.virtio == VirtioNetHeader() })
    _ = rig.finish()
  }

  @Test func `what the kernel does not know goes up alone`() throws {
    for (forms, counts) in [
      ([.checksum, .tcp4, .tcp6, .ecn], [1, 1, 3]), ([.checksum, .tcp6], [3, 1, 3]), ([.checksum], [3, 3, 3]),
      (.all, [1, 1, 1]),
    ] as [(TapOffloads, [Int])] {
      let stack = try FakeStack(offloads: forms)
      let rig = try Self.rig(stack)
      _ = rig.run(Self.segments(3) + Self.segments(3) { packet, _ in packet.isIPv6 = true }, on: 0, burst: 6)
      let tcp = stack.received()
      _ = rig.run(Self.segments(3) { packet, _ in packet.transport = .udp }, on: 0)
      #expect(tcp.filter { $0.frame[12] == 0x08 }.count == counts[0])
      #expect(tcp.filter { $0.frame[12] == 0x86 }.count == counts[1])
      #expect(stack.received().count == counts[2])
      _ = rig.finish()
    }
  }

  @Test func `an aggregate that must stay a chain goes up packet by packet, in order`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack)
    let frames = Self.segments(4) { packet, _ in packet.tcpFlags = 0x90 }
    _ = rig.run(frames, on: 0)
    #expect(stack.received().map(\.frame) == frames)
    _ = rig.finish()
  }

  @Test func `a packet of several descriptors goes up whole`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack)
    let frame = SamplePacket { $0.payload = SamplePacket.fill(6000) }.frame
    _ = rig.run([frame, Self.ping], on: 0)
    #expect(stack.received().map(\.frame) == [frame, Self.ping])
    _ = rig.finish()
  }

  @Test func `what the stack refuses is dropped as host_refused`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack)
    // Nobody has the other end any more: writing to it fails.
    shutdown(stack.descriptor, Int32(SHUT_RD))
    _ = rig.run(Self.segments(5) + [Self.ping], on: 0)
    #expect(rig.counters.queue(slot: 0).dropped(.hostRefused) == 6)
    #expect(rig.count(.deliveredPackets, 0) == 0)
    _ = rig.finish()
  }

  @Test(arguments: [1, 3, 64])
  func `what the stack sends at once leaves as packets, over as many turns as it takes`(batch: Int) throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack, batch: batch)
    let packet = SamplePacket { $0.payload = SamplePacket.fill(20_000) }
    var virtio = VirtioNetHeader()
    (virtio.flags, virtio.gsoType, virtio.gsoSize) = (1, VirtioNetHeader.gsoTCPv4, 1000)
    (virtio.checksumStart, virtio.checksumOffset) = (34, 16)
    stack.send(virtio, packet.frame)
    stack.send(VirtioNetHeader(), Self.ping)
    var sent: [[UInt8]] = []
    for _ in 0..<60 {
      rig.worker.turn()
      sent += rig.drain(0)
    }
    #expect(sent == (try Self.cut(virtio, packet.frame)) + [Self.ping])
    rig.expectInvariants()
    #expect(rig.count(.receivedPackets, 1) == 21 && rig.count(.forwardedPackets, 1) == 21)
    #expect(rig.finish() == [[]])
  }

  @Test(arguments: [1, 4])
  func `packets of several frames leave however few packets a burst has`(batch: Int) throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack, batch: batch)
    let frames = (0..<5).map { number in SamplePacket { $0.payload = SamplePacket.fill(8_900, from: number) }.frame }
    for frame in frames { stack.send(VirtioNetHeader(), frame) }
    var sent: [[UInt8]] = []
    for _ in 0..<12 {
      rig.worker.turn()
      sent += rig.drain(0)
    }
    #expect(sent == frames)
    _ = rig.finish()
  }

  @Test func `a turn ends although nothing of what the stack sends can leave`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack, batch: 1)
    // 60,000 bytes take more frames than a packet may have.
    let frame = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xB5] + [UInt8](repeating: 0, count: 60_000)
    for _ in 0..<2 { stack.send(VirtioNetHeader(), frame) }
    var dropped: [UInt64] = []
    for _ in 0..<3 {
      rig.worker.turn()
      dropped.append(rig.counters.queue(slot: 1).dropped(.noFrame))
    }
    #expect(dropped == [1, 2, 2])
    _ = rig.finish()
  }

  @Test func `what can't be cut is dropped as host_malformed, and the next one leaves`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack)
    var virtio = VirtioNetHeader()
    (virtio.flags, virtio.gsoType) = (1, 3)
    stack.send(virtio, Self.ping)
    stack.send(virtio, [UInt8](repeating: 0, count: 60_000))
    stack.send(virtio, [])
    stack.send(VirtioNetHeader(), Self.ping)
    #expect(rig.run([], on: 0) == [[Self.ping]])
    #expect(rig.counters.queue(slot: 1).dropped(.hostMalformed) == 3)
    #expect(rig.count(.receivedPackets, 1) == 4)
    _ = rig.finish()
  }

  @Test func `a stack that goes away in the middle of a send leaves the books right`() throws {
    let stack = try FakeStack()
    let rig = try Self.rig(stack, batch: 2)
    let packet = SamplePacket { $0.payload = SamplePacket.fill(9_000) }
    var virtio = VirtioNetHeader()
    (virtio.flags, virtio.gsoType, virtio.gsoSize) = (1, VirtioNetHeader.gsoTCPv4, 1000)
    (virtio.checksumStart, virtio.checksumOffset) = (34, 16)
    stack.send(virtio, packet.frame)
    rig.worker.turn()
    rig.expectInvariants()
    #expect(rig.finish().joined().count == 2)
  }

  @Test func `random traffic arrives whole`() throws {
    for seed in 0..<20 {
      var random = SeededGenerator(UInt64(seed))
      let packets = SampleTraffic(&random, trouble: false).packets
      let stack = try FakeStack()
      let rig = try Self.rig(stack)
      var arrived: [[UInt8]] = []
      for start in stride(from: 0, to: packets.count, by: 32) {
        _ = rig.run(packets[start..<min(start + 32, packets.count)].map(\.frame), on: 0, burst: 32)
        for (virtio, frame) in stack.received() { arrived += try Self.cut(virtio, frame) }
      }
      // Per flow, as a stack would read it. (A constant identification has become one that grows.)
      #expect(arrived.count == packets.count, "seed \(seed)")
      for port in Set(packets.map(\.sourcePort)) {
        let payload = arrived.flatMap { bytes -> [UInt8] in
          let summary = PacketSummary(bytes.packet)
          let isMine = UInt16(truncatingIfNeeded: summary.key.identity).byteSwapped == port
          return isMine ? Array(bytes[Int(summary.payloadOffset)..<summary.endOffset]) : []
        }
        #expect(payload == packets.filter { $0.sourcePort == port }.flatMap(\.payload), "seed \(seed)")
      }
      _ = rig.finish()
    }
  }
}
