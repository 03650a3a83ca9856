import Testing
import XSKEngine
import XSKLab

@Suite("The live frame generator")
struct LiveFrameGeneratorTests {
  @Test("delivers every frame to a peer that drops and counts", arguments: [64, 1514])
  func delivers(size: Int) throws {
    let lab = try TwoNamespaces()
    let counter = try DropCounter(in: lab.right, device: "r0")
    let frame = try lab.frame(size: size)
    let report = try LiveFrameGenerator(
      in: lab.left, device: "l0", .init(frame: frame, packets: 100_003, duration: .seconds(20))
    ).wait()
    let far = try lab.pair.right.counters()
    #expect(report.packets == 100_003)
    #expect(report.bytes == 100_003 * UInt64(size))
    #expect(far.receivedPackets + far.receiveDropped == report.packets)
    #expect(counter.count == far.receivedPackets)
    // The peer works on the generator's CPU between its batches, so hardly any can be lost.
    #expect(far.receivedPackets > 90_000)
  }

  @Test("delivers to a peer with GRO and no program")
  func toStack() throws {
    let lab = try TwoNamespaces(gro: true)
    let frame = try lab.frame(size: 64)
    let report = try LiveFrameGenerator(in: lab.left, device: "l0", .init(frame: frame, packets: 1000)).wait()
    let far = try lab.pair.right.counters()
    #expect(report.packets == 1000)
    #expect(far.receivedPackets + far.receiveDropped == 1000)
  }

  @Test("says so when the device takes no frame")
  func refused() throws {
    let lab = try TwoNamespaces()
    let frame = try lab.frame(size: 64)
    let generator = try LiveFrameGenerator(in: lab.left, device: "l0", .init(frame: frame, packets: 1000))
    let error = #expect(throws: XSKError.self) { try generator.wait() }
    #expect(error?.problem == "took none of 1000 frames")
  }

  @Test("stops when told to, and when its time is up")
  func stops() throws {
    let lab = try TwoNamespaces()
    let counter = try DropCounter(in: lab.right, device: "r0")
    let frame = try lab.frame(size: 64)
    let generator = try LiveFrameGenerator(in: lab.left, device: "l0", .init(frame: frame, duration: .seconds(60)))
    while counter.count < 10_000 {}
    let report = try generator.stop()
    #expect(report.duration < .seconds(30))
    #expect(report.packets >= 10_000)
    #expect(report.packets == generator.sent)
    let short = try LiveFrameGenerator(in: lab.left, device: "l0", .init(frame: frame, duration: .milliseconds(50)))
      .wait()
    #expect(short.duration >= .milliseconds(50))
    #expect(short.packets > 0)
  }

  @Test("keeps to a rate")
  func rate() throws {
    let lab = try TwoNamespaces()
    let counter = try DropCounter(in: lab.right, device: "r0")
    let frame = try lab.frame(size: 64)
    let report = try LiveFrameGenerator(
      in: lab.left, device: "l0", .init(frame: frame, packets: 5000, duration: .seconds(30), rate: 10_000)
    ).wait()
    #expect(report.packets == 5000)
    #expect(report.duration >= .milliseconds(450))
    #expect(counter.count == 5000)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let transport: FrameTemplate.Transport
    let isIPv6: Bool
    var hasChecksum = true
    var testDescription: String { "\(transport), \(isIPv6 ? "IPv6" : "IPv4")\(hasChecksum ? "" : ", no checksum")" }
  }

  @Test(
    "takes flows in turn with right checksums, template first",
    arguments: [
      Case(transport: .udp, isIPv6: false), Case(transport: .udp, isIPv6: false, hasChecksum: false),
      Case(transport: .tcp, isIPv6: false), Case(transport: .udp, isIPv6: true), Case(transport: .tcp, isIPv6: true),
    ])
  func flows(_ flow: Case) throws {
    let lab = try TwoNamespaces(gro: true, isIPv6: flow.isIPv6)
    let socket = try PacketSocket(in: lab.right, device: "r0")
    var template = try FrameTemplate(from: lab.pair.left, to: lab.pair.right, transport: flow.transport)
    template.sourcePort = 65_533  // wraps within the three flows' ports
    template.hasUDPChecksum = flow.hasChecksum
    template.destinationAddress = "02:00:00:00:00:99"  // nobody's: no answer gets in between
    let first = try template.frame(size: 80)
    let generator = try LiveFrameGenerator(
      in: lab.left, device: "l0", .init(frame: first, flows: 5, packets: 10, cpu: 0, batch: 5))
    #expect(try generator.wait().packets == 10)
    let expected = try (0..<10).map { index in
      template.sourcePort = 65_533 &+ UInt16(index % 5)
      return try template.frame(size: 80)
    }
    let frames = try socket.receive(10, timeout: .seconds(10)) { $0[..<6] == first[..<6] }
    #expect(frames == expected)
  }

  @Test("takes further source addresses when ports run out")
  func manyFlows() throws {
    let lab = try TwoNamespaces(gro: true)
    let socket = try PacketSocket(in: lab.right, device: "r0")
    var template = try FrameTemplate(from: lab.pair.left, to: lab.pair.right)
    template.source = "10.9.255.255"
    template.destinationAddress = "02:00:00:00:00:99"
    let frame = try template.frame(size: 64)
    // Fewer packets than the socket holds are looked at: the first of the second address comes last.
    let generator = try LiveFrameGenerator(
      in: lab.left, device: "l0",
      .init(frame: frame, flows: 20_000, packets: 16_385, duration: .seconds(20), rate: 50_000, cpu: 0))
    #expect(try generator.wait().packets == 16_385)
    template.source = "10.9.0.0"
    let frames = try socket.receive(16_385, timeout: .milliseconds(300)) { $0[..<6] == frame[..<6] }
    #expect(frames.count == 16_385)
    #expect(try frames.last == template.frame(size: 64))
    #expect(Set(frames).count == 16_385)
    #expect(frames.allSatisfy(Checksums.areRight))
  }

  @Test("refuses what it can't send")
  func wrong() throws {
    let lab = try TwoNamespaces()
    let frame = try lab.frame(size: 64)
    let wrong: [(String, LiveFrameGenerator.Configuration)] = [
      ("l0", .init(frame: Array(frame.prefix(59)))), ("l0", .init(frame: frame + [UInt8](repeating: 0, count: 1451))),
      ("l0", .init(frame: frame, flows: 0)), ("l0", .init(frame: [UInt8](repeating: 0, count: 64), flows: 2)),
      ("l0", .init(frame: frame, batch: 0)), ("l0", .init(frame: frame, batch: 257)),
      ("l0", .init(frame: frame, rate: 0)), ("x0", .init(frame: frame)),
    ]
    for (device, configuration) in wrong {
      #expect(throws: XSKError.self) { try LiveFrameGenerator(in: lab.left, device: device, configuration) }
    }
  }
}
