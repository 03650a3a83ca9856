import PacketSamples
import Testing
import XSKEngine
import XSKLab

@Suite("Probes") struct ProbeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let transport: FrameTemplate.Transport
    let isIPv6: Bool
    var hasChecksum = true
    var sizes: [Int]
    var schedule: [UInt8] = []
    var testDescription: String {
      "\(transport), \(isIPv6 ? "IPv6" : "IPv4")\(hasChecksum ? "" : ", no checksum"), \(sizes)"
    }
  }

  @Test(
    "of the kernel's generator are those of the composer, byte for byte but for their times",
    arguments: [
      Case(transport: .udp, isIPv6: false, sizes: [60]),
      Case(transport: .udp, isIPv6: false, hasChecksum: false, sizes: [61]),
      Case(transport: .tcp, isIPv6: false, sizes: [80]), Case(transport: .udp, isIPv6: true, sizes: [80]),
      Case(transport: .tcp, isIPv6: true, sizes: [100]),
      Case(transport: .udp, isIPv6: false, sizes: [60, 590, 1514], schedule: [0, 1, 0, 2]),
      Case(transport: .udp, isIPv6: true, sizes: [80, 1514], schedule: [1, 0, 0]),
    ])
  func twins(_ wanted: Case) throws {
    let lab = try TwoNamespaces(gro: true, isIPv6: wanted.isIPv6)
    let socket = try PacketSocket(in: lab.right, device: "r0")
    var template = try FrameTemplate(from: lab.pair.left, to: lab.pair.right, transport: wanted.transport)
    template.hasUDPChecksum = wanted.hasChecksum
    template.sourcePort = 65_534  // wraps within the three flows' ports
    template.destinationAddress = "02:00:00:00:00:99"  // nobody's: no answer gets in between
    let frames = try wanted.sizes.map { try template.probeFrame(size: $0) }
    var configuration = LiveFrameGenerator.Configuration(frame: frames[0], flows: 3, packets: 20, cpu: 0, batch: 5)
    configuration.frames = frames
    configuration.schedule = wanted.schedule
    configuration.probe = ProbeStream(number: 0xabcd)
    let report = try LiveFrameGenerator(in: lab.left, device: "l0", configuration).wait()
    #expect(report.packets == 20)
    let received = try socket.receive(20, timeout: .seconds(10)) { $0[..<6] == frames[0][..<6] }
    try #require(received.count == 20)
    #expect(report.bytes == received.reduce(0) { $0 + UInt64($1.count) })
    #expect(!wanted.hasChecksum || received.allSatisfy(Checksums.areRight))
    var composer = try FrameComposer(
      frames: frames, schedule: wanted.schedule.isEmpty ? [0] : wanted.schedule.map { Int($0) }, flows: 3,
      probe: ProbeStream(number: 0xabcd))
    var times: [UInt64] = []
    for (index, frame) in received.enumerated() {
      // Not within #require: the compiler crashes on a span there.
      let found = ProbePayload(frame: frame.packet)
      let probe = try #require(found)
      #expect(probe.stream == 0xabcd && probe.sequence == UInt64(index))
      times.append(probe.time)
      composer.compose(time: probe.time)
      // The span's bytes are copied before it ends.
      let expected = unsafe composer.frame.withUnsafeBytes { unsafe Array($0) }
      #expect(frame == expected)
    }
    let now = TimestampClock.monotonicNanoseconds
    #expect(times == times.sorted() && times.allSatisfy { $0 > 0 && $0 < now })
  }

  @Test("have times as often as they are to")
  func sampled() throws {
    let lab = try TwoNamespaces(gro: true)
    let socket = try PacketSocket(in: lab.right, device: "r0")
    var template = try FrameTemplate(from: lab.pair.left, to: lab.pair.right)
    template.destinationAddress = "02:00:00:00:00:99"
    var configuration = LiveFrameGenerator.Configuration(
      frame: try template.probeFrame(size: 60), packets: 5, cpu: 0)
    configuration.probe = ProbeStream(number: 3, timeEvery: 2)
    _ = try LiveFrameGenerator(in: lab.left, device: "l0", configuration).wait()
    let received = try socket.receive(5, timeout: .seconds(10)) { $0[..<6] == configuration.frames[0][..<6] }
    var probes: [ProbePayload] = []
    for frame in received {
      if let probe = ProbePayload(frame: frame.packet) { probes.append(probe) }
    }
    #expect(probes.map(\.sequence) == [0, 1, 2, 3, 4])
    #expect(probes.map { $0.time != 0 } == [true, false, true, false, true])
    #expect(received.allSatisfy(Checksums.areRight))
  }

  @Test("are refused where they don't fit, and without a CPU")
  func refused() throws {
    let template = FrameTemplate(
      sourceAddress: .zero, destinationAddress: .zero, source: "fd00::1", destination: "fd00::2")
    let error = #expect(throws: XSKError.self) { try template.probeFrame(size: 79) }
    #expect(error?.remedy == "use 80 bytes or more, or send no probes")
    let lab = try TwoNamespaces()
    var configuration = LiveFrameGenerator.Configuration(frame: try template.probeFrame(size: 80))
    configuration.probe = ProbeStream(number: 1)
    let wrong = configuration
    #expect(throws: XSKError.self) { try LiveFrameGenerator(in: lab.left, device: "l0", wrong) }
  }

  @Test("change their rate while they are sent")
  func newRate() throws {
    let lab = try TwoNamespaces()
    let counter = try DropCounter(in: lab.right, device: "r0")
    let generator = try LiveFrameGenerator(
      in: lab.left, device: "l0",
      .init(frame: try lab.frame(size: 64), packets: 300_000, duration: .seconds(60), rate: 1000))
    while counter.count < 5 {}
    try generator.setRate(nil)
    let report = try generator.wait()
    // At the first rate its time would have been over long before.
    #expect(report.packets == 300_000)
    #expect(throws: XSKError.self) { try generator.setRate(999) }
  }
}
