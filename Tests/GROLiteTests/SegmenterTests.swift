import GROLite
import PacketHeaders
import PacketSamples
import Testing

/// What a TAP device would give, through the segmenter.
struct Cut {
  var packets: [[UInt8]] = []
  var refusal: SegmenterRefusal?

  init(_ virtio: VirtioNetHeader, _ bytes: [UInt8], link: PacketSummary.LinkLayer = .ethernet, step: Int = 1) {
    var bytes = bytes
    var made: Segmenter?
    bytes.withMutablePacket { made = Segmenter(virtio, &$0, link: link, identificationStep: step) }
    guard let segmenter = made else { return }
    refusal = segmenter.refusal
    for number in 0..<segmenter.count { packets.append(Self.packet(segmenter, number, bytes)) }
  }

  static func packet(_ segmenter: Segmenter, _ number: Int, _ frame: [UInt8]) -> [UInt8] {
    var header = [UInt8](repeating: 0xAA, count: Segmenter.maximumHeader)
    var bytes: [UInt8] = []
    var place = (0, 0..<0)
    header.withMutablePacket { scratch in
      let segment = segmenter.writeSegment(number, of: frame.packet, to: &scratch)
      place = (segment.headerLength, segment.payload)
      #expect(segment.length == segmenter.length(number))
    }
    bytes = Array(header[..<place.0]) + frame[place.1]
    return bytes
  }
}

@Suite struct SegmenterTests {
  /// A super-frame of these packets.
  static func superFrame(_ burst: Burst) -> (SuperFrame, PacketSummary, step: Int) {
    var gro = GROLite(GROConfiguration(mode: .linear))
    let delivered = gro.deliver(burst)
    #expect(delivered.count == 1)
    return (
      SuperFrame(gro, delivered[0].unit, burst), delivered[0].summary, delivered[0].unit.identificationStep
    )
  }

  static func expectSame(_ burst: Burst, _ frame: SuperFrame, step: Int) {
    let cut = Cut(frame.virtio, frame.bytes, link: burst.link, step: step)
    #expect(cut.refusal == nil)
    #expect(cut.packets == (0..<burst.count).map { burst.frame($0) })
  }

  @Test(arguments: [false, true], 0..<3)
  func `cuts a TCP super-frame into what it was made of`(isIPv6: Bool, link: Int) {
    for options in [[], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]] as [[UInt8]] {
      let burst = Burst(
        SuperFrameTests.packets {
          ($0.isIPv6, $0.vlans, $0.tcpOptions) = (isIPv6, SuperFrameTests.links[link], options)
        })
      let (frame, _, step) = Self.superFrame(burst)
      Self.expectSame(burst, frame, step: step)
    }
  }

  @Test(arguments: [false, true], 0..<3)
  func `cuts a UDP super-frame into what it was made of`(isIPv6: Bool, link: Int) {
    let burst = Burst(
      SuperFrameTests.packets { ($0.isIPv6, $0.vlans, $0.transport) = (isIPv6, SuperFrameTests.links[link], .udp) })
    let (frame, _, step) = Self.superFrame(burst)
    Self.expectSame(burst, frame, step: step)
  }

  @Test(arguments: [false, true])
  func `cuts raw IP and extension headers too`(isIPv6: Bool) {
    let burst = Burst(
      SuperFrameTests.packets {
        ($0.isIPv6, $0.isRaw) = (isIPv6, true)
        if isIPv6 { $0.extensions = [.padding(0), .padding(60, units: 2)] }
      })
    let (frame, _, step) = Self.superFrame(burst)
    Self.expectSame(burst, frame, step: step)
  }

  @Test func `random traffic, merged and cut again, is what came in, and what another segmenter makes of it`() {
    var aggregates = 0
    for seed in 0..<80 {
      var random = SeededGenerator(UInt64(seed) &+ 4711)
      let burst = Burst(Array(SampleTraffic(&random, trouble: true).packets.prefix(256)))
      var gro = GROLite(GROConfiguration(mode: .linear))
      for delivered in gro.deliver(burst) where delivered.unit.form == .linear {
        let frame = SuperFrame(gro, delivered.unit, burst)
        for step in Set([delivered.unit.identificationStep, 1]) {
          let cut = Cut(frame.virtio, frame.bytes, step: step)
          let reference = frame.segments(network: Int(delivered.summary.networkOffset), step: step)
          #expect(cut.packets == reference, "seed \(seed), step \(step)")
          if step == delivered.unit.identificationStep {
            #expect(cut.packets == delivered.packets.map { burst.frame($0) }, "seed \(seed)")
          }
        }
        aggregates += 1
      }
    }
    #expect(aggregates > 300)
  }

  @Test func `FIN and PSH are the last segment's, CWR the first one's, ECE everyone's`() {
    var packet = data(7, 250)
    packet.tcpFlags = 0xD9
    var virtio = Self.tcp(packet)
    virtio.gsoType |= VirtioNetHeader.gsoECN
    let flags = Cut(virtio, packet.frame).packets.map { $0[14 + 20 + 13] }
    #expect(flags == [0xD0, 0x50, 0x59])
    let whole = Cut(Self.tcp(packet, size: 250), packet.frame).packets
    #expect(whole.map { $0[14 + 20 + 13] } == [0xD9])
  }

  @Test func `sequence and identification wrap`() {
    let packet = data(.max - 99, 300) { $0.identification = 0xFFFF }
    let cut = Cut(Self.tcp(packet), packet.frame).packets.map { PacketSummary($0.packet) }
    #expect(cut.map(\.sequence) == [.max - 99, 0, 100])
    #expect(cut.map(\.identification) == [0xFFFF, 0, 1])
    #expect(cut.allSatisfy { !$0.isMalformed && !$0.flags.contains(.ipv4ChecksumBad) && $0.payloadLength == 100 })
  }

  @Test func `a damaged IPv4 header stays recognisable`() {
    let packet = data(0, 300) { $0.ipv4ChecksumError = 0x0101 }
    let cut = Cut(Self.tcp(packet), packet.frame).packets.map { PacketSummary($0.packet) }
    #expect(cut.count == 3 && cut.allSatisfy { $0.flags.contains(.ipv4ChecksumBad) })
  }

  @Test func `a segment without payload and trailing bytes is one packet without them`() {
    let packet = data(5, 0) { $0.padding = 6 }
    #expect(Cut(Self.tcp(packet), packet.frame).packets == [data(5, 0).frame])
  }

  @Test func `65,507 bytes of datagrams of one byte are as many packets`() {
    let packet = SamplePacket {
      ($0.transport, $0.payload) = (.udp, SamplePacket.fill(65_507))
    }
    let cut = Cut(Self.udp(packet, size: 1), packet.frame).packets
    #expect(cut.count == 65_507)
    let bytes = cut[65_506]
    let last = PacketSummary(bytes.packet)
    #expect(last.payloadLength == 1 && InternetChecksum.verifyTransport(bytes.packet, last) == .good)
  }
}

extension SegmenterTests {
  /// A virtio-net header for a TCP packet, cut into segments of `size` bytes.
  static func tcp(_ packet: SamplePacket, size: UInt16 = 100) -> VirtioNetHeader {
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.gsoType = packet.isIPv6 ? VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoTCPv4
    header.gsoSize = size
    header.checksumStart = UInt16(packet.linkLength + (packet.isIPv6 ? 40 : 20))
    header.checksumOffset = 16
    return header
  }

  static func udp(_ packet: SamplePacket, size: UInt16 = 100) -> VirtioNetHeader {
    var header = tcp(packet, size: size)
    (header.gsoType, header.checksumOffset) = (VirtioNetHeader.gsoUDP, 6)
    return header
  }

  struct Bad: CustomStringConvertible, Sendable {
    let description: String
    let expected: SegmenterRefusal
    var packet = data(0, 300)
    var header: @Sendable (inout VirtioNetHeader) -> Void = { _ in }
    var bytes: @Sendable (inout [UInt8]) -> Void = { _ in }
  }

  static let bad: [Bad] = [
    Bad(description: "UFO", expected: .gsoType, header: { $0.gsoType = 3 }),
    Bad(description: "unknown type", expected: .gsoType, header: { $0.gsoType = 0x45 }),
    Bad(description: "UDP with ECN", expected: .gsoType, header: { $0.gsoType = 0x85 }),
    Bad(description: "no size", expected: .gsoSize, header: { $0.gsoSize = 0 }),
    Bad(description: "no checksum asked for", expected: .gsoWithoutChecksum, header: { $0.flags = 0 }),
    Bad(description: "TCPv6 type on IPv4", expected: .gsoMismatch, header: { $0.gsoType = 4 }),
    Bad(description: "UDP type on TCP", expected: .gsoMismatch, header: { $0.gsoType = 5 }),
    Bad(description: "a fragment", expected: .gsoMismatch, packet: data(0, 300) { $0.moreFragments = true }),
    Bad(description: "no IP", expected: .gsoMismatch, bytes: { $0[12] = 0x88 }),
    Bad(description: "checksum start", expected: .checksumPlace, header: { $0.checksumStart += 4 }),
    Bad(description: "checksum offset", expected: .checksumPlace, header: { $0.checksumOffset = 6 }),
    Bad(
      description: "headers too long", expected: .headersTooLong,
      packet: data(0, 300) { packet in
        packet.isIPv6 = true
        packet.extensions = [.padding(0, units: 25)]
      }, header: { $0.checksumStart += 200 }),
    Bad(
      description: "IPv6 type on extension headers' place", expected: .checksumPlace,
      packet: data(0, 300) { packet in
        packet.isIPv6 = true
        packet.extensions = [.padding(0)]
      }),
    Bad(description: "cut off", expected: .malformed(.ipv4TotalLengthPastFrame), bytes: { $0.removeLast() }),
    Bad(description: "nothing", expected: .malformed(.ethernetTruncated), bytes: { $0 = [] }),
    Bad(description: "TCP options", expected: .malformed(.tcpDataOffsetSmall), bytes: { $0[14 + 20 + 12] = 0x40 }),
  ]

  @Test(arguments: bad)
  func `refuses by name`(_ bad: Bad) {
    var header = Self.tcp(bad.packet)
    bad.header(&header)
    var bytes = bad.packet.frame
    bad.bytes(&bytes)
    let cut = Cut(header, bytes)
    #expect(cut.refusal == bad.expected && cut.packets.isEmpty)
    #expect(bad.expected.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" })
  }

  @Test func `a datagram shorter than its packet is refused`() {
    let packet = SamplePacket { ($0.transport, $0.payload) = (.udp, SamplePacket.fill(300)) }
    var bytes = packet.frame
    SuperFrame.set(&bytes, 14 + 20 + 4, 200)
    #expect(Cut(Self.udp(packet), bytes).refusal == .udpLength)
  }

  @Test(arguments: [false, true], [SamplePacket.Transport.tcp, .udp])
  func `completes a checksum without cutting`(isIPv6: Bool, transport: SamplePacket.Transport) {
    for length in [0, 1, 2, 99, 1400] {
      let packet = SamplePacket {
        ($0.isIPv6, $0.transport, $0.payload) = (isIPv6, transport, SamplePacket.fill(length))
      }
      let summary = PacketSummary(packet.frame.packet)
      var header = VirtioNetHeader()
      header.flags = VirtioNetHeader.needsChecksum
      header.checksumStart = summary.transportOffset
      header.checksumOffset = summary.isTCP ? 16 : 6
      var bytes = packet.frame
      let at = Int(header.checksumStart + header.checksumOffset)
      let upper = bytes.count - Int(summary.transportOffset)
      let pseudo = InternetChecksum.fold(InternetChecksum.pseudoHeader(summary.key, length: upper))
      SuperFrame.set(&bytes, at, pseudo.byteSwapped)
      #expect(Cut(header, bytes).packets == [packet.frame])
    }
  }

  @Test func `without flags a frame stays as it is, whatever it is`() {
    for frame in [data(0).frame, [1, 2, 3], [], data(0) { $0.checksumError = 1 }.frame] {
      #expect(Cut(VirtioNetHeader(), frame).packets == [frame])
    }
  }

  @Test func `a checksum past the end, or at an odd place, is refused`() {
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    let frame = data(0).frame
    for (start, offset) in [(frame.count - 1, 0), (0xFFFF, 0xFFFF), (34, 0xFFFE), (34, 15)] {
      (header.checksumStart, header.checksumOffset) = (UInt16(start), UInt16(offset))
      #expect(Cut(header, frame).refusal == .checksumPlace)
    }
  }

  @Test func `random headers never harm`() {
    var random = SeededGenerator(99)
    for _ in 0..<5_000 {
      var packet = data(0, Int.random(in: 0...400, using: &random))
      (packet.isIPv6, packet.transport) = (random.once(in: 2), random.once(in: 2) ? .tcp : .udp)
      var bytes = packet.frame
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        bytes[Int.random(in: 0..<min(64, bytes.count), using: &random)] = .random(in: 0...255, using: &random)
      }
      var header = Self.tcp(packet, size: .random(in: 0...500, using: &random))
      header.gsoType = [0, 1, 4, 5, 0x81, 0x84, 7].randomElement(using: &random)!
      header.flags = .random(in: 0...3, using: &random)
      header.checksumOffset = [16, 6, 2, 0xFFF0].randomElement(using: &random)!
      let cut = Cut(header, bytes)
      #expect((cut.refusal == nil) == !cut.packets.isEmpty)
    }
  }

  @Test func `a virtio header is read as it is written`() {
    var header = VirtioNetHeader()
    (header.flags, header.gsoType, header.headerLength, header.gsoSize) = (1, 0x84, 0x0102, 0x0304)
    (header.checksumStart, header.checksumOffset) = (0x0506, 0x0708)
    var bytes = [UInt8](repeating: 0, count: 10)
    bytes.withMutablePacket { header.write(to: &$0) }
    #expect(VirtioNetHeader(bytes.packet) == header)
  }
}
