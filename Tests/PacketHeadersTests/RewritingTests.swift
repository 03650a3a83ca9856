import PacketHeaders
import PacketSamples
import Testing

@Suite struct HopLimitTests {
  @Test(arguments: [2, 3, 64, 128, 255] as [UInt8], [false, true])
  func `one less, and the header's checksum is right`(limit: UInt8, isIPv6: Bool) {
    for identification in stride(from: UInt16(0), to: 65_000, by: 97) {
      let sample = SamplePacket {
        $0.isIPv6 = isIPv6
        $0.timeToLive = limit
        $0.identification = identification
        $0.vlans = identification % 2 == 0 ? [] : [(0x8100, 5)]
        $0.payload = [1, 2, 3]
      }
      var bytes = sample.frame
      bytes.withMutablePacket { $0.decrementHopLimit(at: sample.linkLength, version: isIPv6 ? 6 : 4) }
      #expect(bytes == sample.with { $0.timeToLive = limit - 1 }.frame)
    }
  }

  /// All sums that a header can have: the end-around carry, too.
  @Test func `the checksum is right whatever it was`() {
    for identification in UInt16.min ... .max {
      let sample = SamplePacket { $0.identification = identification }
      var bytes = Array(sample.frame.prefix(34))
      bytes.withMutablePacket { $0.forwardIPv4(to: EthernetAddresses(destination: 1, source: 2)) }
      let sum = stride(from: 14, to: 34, by: 2).reduce(0) { $0 + (Int(bytes[$1]) << 8 | Int(bytes[$1 + 1])) }
      #expect(((sum & 0xFFFF) + sum >> 16) % 0xFFFF == 0, "identification \(identification)")
      #expect(bytes[22] == sample.frame[22] - 1)
    }
  }

  @Test func `a packet at its end is a trap`() async {
    await #expect(processExitsWith: .failure) {
      var bytes = SamplePacket { $0.timeToLive = 1 }.frame
      bytes.withMutablePacket { $0.decrementHopLimit(at: 14, version: 4) }
    }
  }
}

@Suite struct ICMPErrorTests {
  static let router = RouterAddresses(ipv4: 0x0A00_00FE, ipv6: 0x2001_0DB8_0000_0000_0000_0000_0000_00FE)
  static let errors: [ICMPError] = [
    .timeExceeded, .noRoute, .addressUnreachable, .prohibited, .tooBig(mtu: 1400),
  ]

  static func answer(_ error: ICMPError, to frame: [UInt8], from router: RouterAddresses = router) -> [UInt8]? {
    var answer = [UInt8](repeating: 0xEE, count: ICMPError.maximumLength)
    var length: Int?
    let summary = parsed(frame)
    answer.withMutablePacket { length = error.write(answering: frame.packet, summary, from: router, to: &$0) }
    return length.map { Array(answer[..<$0]) }
  }

  static func parsed(_ frame: [UInt8]) -> PacketSummary {
    var summary = PacketSummary()
    summary.parse(ethernet: frame.packet, length: frame.count)
    return summary
  }

  @Test(arguments: errors, [false, true])
  func `an answer is a packet that any parser takes, back to the sender, quoting what it is about`(
    error: ICMPError, isIPv6: Bool
  ) {
    for size in [0, 1, 7, 500, 540, 1400] {
      let sample = SamplePacket {
        $0.isIPv6 = isIPv6
        $0.vlans = size % 2 == 0 ? [] : [(0x88A8, 3), (0x8100, 7)]
        $0.payload = SamplePacket.fill(size)
      }
      guard let answer = Self.answer(error, to: sample.frame) else {
        Issue.record("no answer")
        continue
      }
      let link = sample.linkLength
      let summary = Self.parsed(answer)
      #expect(!summary.isMalformed && !summary.flags.contains(.ipv4ChecksumBad))
      #expect(InternetChecksum.verifyTransport(answer.packet, summary) == .good)
      #expect(summary.key.ipProtocol == (isIPv6 ? .icmpv6 : .icmp) && summary.endOffset == answer.count)
      #expect(Array(answer[..<12]) == sample.sourceMAC + sample.destinationMAC)
      #expect(Array(answer[12..<link]) == Array(sample.frame[12..<link]))
      let about = Self.parsed(sample.frame)
      if isIPv6 {
        #expect(summary.key.sourceIPv6 == Self.router.ipv6 && summary.key.destinationIPv6 == about.key.sourceIPv6)
      } else {
        #expect(summary.key.sourceIPv4 == Self.router.ipv4 && summary.key.destinationIPv4 == about.key.sourceIPv4)
      }
      let header = link + (isIPv6 ? 48 : 28)
      #expect(answer.count - link == min(isIPv6 ? 1280 : 576, sample.frame.count - link + header - link))
      #expect(Array(answer[header...]) == Array(sample.frame[link...].prefix(answer.count - header)))
    }
  }

  @Test func `types, codes and MTU are those of the RFCs`() {
    let expected: [(ICMPError, [UInt8], [UInt8])] = [
      (.timeExceeded, [11, 0], [3, 0]), (.noRoute, [3, 0], [1, 0]), (.addressUnreachable, [3, 1], [1, 3]),
      (.prohibited, [3, 13], [1, 1]), (.tooBig(mtu: 0x0578), [3, 4], [2, 0]),
    ]
    for (error, old, new) in expected {
      let answers = [false, true].map { isIPv6 in
        Self.answer(error, to: SamplePacket { $0.isIPv6 = isIPv6 }.frame) ?? []
      }
      let mtu: [UInt8] = if case .tooBig = error { [0, 0, 5, 0x78] } else { [0, 0, 0, 0] }
      #expect(Array(answers[0][34..<36]) == old && Array(answers[0][38..<42]) == mtu)
      #expect(Array(answers[1][54..<56]) == new && Array(answers[1][58..<62]) == mtu)
    }
  }

  @Test func `what must not be answered is not`() {
    let plain = SamplePacket { $0.payload = [1, 2, 3, 4] }
    var frames: [(String, [UInt8])] = [
      ("multicast frame", plain.with { $0.destinationMAC = [1, 0, 0x5E, 0, 0, 1] }.frame),
      ("multicast sender", plain.with { $0.sourceMAC = [1, 0, 0x5E, 0, 0, 1] }.frame),
      ("later fragment", plain.with { $0.fragmentOffset = 1 }.frame),
      ("bad header checksum", plain.with { $0.ipv4ChecksumError = 1 }.frame),
      ("malformed", Array(plain.frame.dropLast(10))),
      ("not IP", Array(plain.frame[..<12]) + [0x08, 0x06] + [UInt8](repeating: 0, count: 46)),
      (
        "later v6 fragment",
        SamplePacket {
          $0.isIPv6 = true
          $0.extensions = [.fragment(offset: 2, more: true)]
        }.frame
      ),
    ]
    for (name, offset, bytes) in [
      ("source 0.0.0.1", 26, [0, 0, 0, 1]), ("loopback", 26, [127, 0, 0, 1]), ("multicast source", 26, [224, 0, 0, 1]),
      ("multicast destination", 30, [239, 1, 1, 1]), ("broadcast", 30, [255, 255, 255, 255]),
    ] as [(String, Int, [UInt8])] {
      var frame = plain.frame
      frame.replaceSubrange(offset..<offset + 4, with: bytes)
      frame.replaceSubrange(24..<26, with: [0, 0])
      frame.replaceSubrange(24..<26, with: ReferenceChecksum.of(Array(frame[14..<34])).bigEndianBytes)
      frames.append((name, frame))
    }
    for (name, frame) in frames {
      for error in Self.errors { #expect(Self.answer(error, to: frame) == nil, "\(name)") }
    }
    for isIPv6 in [false, true] {
      let sample = SamplePacket {
        $0.isIPv6 = isIPv6
        $0.payload = SamplePacket.fill(40)
      }
      let error = Self.answer(.noRoute, to: sample.frame) ?? []
      #expect(Self.answer(.timeExceeded, to: error) == nil, "an error is not answered by another")
      let ping = sample.with { $0.transport = .icmp }.frame
      #expect(Self.answer(.timeExceeded, to: ping) != nil, "a ping is")
    }
    #expect(Self.answer(.noRoute, to: plain.frame, from: RouterAddresses(ipv6: 1)) == nil, "nobody to answer")
  }

  @Test func `a first fragment is answered`() {
    #expect(Self.answer(.timeExceeded, to: SamplePacket { $0.moreFragments = true }.frame) != nil)
    let sample = SamplePacket {
      $0.isIPv6 = true
      $0.extensions = [.fragment(offset: 0, more: true)]
      $0.payload = SamplePacket.fill(100)
    }
    #expect(Self.answer(.timeExceeded, to: sample.frame) != nil)
  }

  @Test func `a multicast is told its path's MTU, and nothing else`() {
    var frame = SamplePacket { $0.isIPv6 = true }.frame
    frame[38] = 0xFF
    for error in Self.errors { #expect((Self.answer(error, to: frame) != nil) == (error == .tooBig(mtu: 1400))) }
  }

  @Test func `no bytes make it read or write where it must not`() {
    var random = SeededGenerator(9)
    for _ in 0..<20_000 {
      var frame = SamplePacket {
        $0.isIPv6 = random.once(in: 2)
        $0.payload = SamplePacket.fill(Int.random(in: 0...60, using: &random))
        $0.transport = random.once(in: 2) ? .icmp : .tcp
      }.frame
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        frame[Int.random(in: 0..<frame.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      frame = Array(frame.prefix(Int.random(in: 0...frame.count, using: &random)))
      for error in Self.errors {
        if let answer = Self.answer(error, to: frame) { #expect(!Self.parsed(answer).isMalformed) }
      }
    }
  }
}
