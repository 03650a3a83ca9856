import PacketHeaders
import PacketSamples
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// What the engine's program writes ahead of packets, as Swift reads it.
  @Suite("Metadata") struct Metadata {
    @Test func `frames from the peer's stack carry the driver's RX hash and RX timestamp`() throws {
      let lab = try MetadataLab()
      #expect(lab.hints == [.hash, .timestamp, .vlanTag])
      let flows = (0..<8).map { flow in
        SamplePacket { ($0.sourcePort, $0.transport) = (UInt16(1000 + flow), flow % 2 == 0 ? .tcp : .udp) }
      }
      let seen = try lab.exchange((flows + flows).map(\.frame))
      let hashes = seen.map { $0.metadata[.receiveHash] }
      // One hash a flow, the same each time.
      #expect(hashes.allSatisfy { $0 != nil } && Set(hashes).count == 8 && hashes[..<8] == hashes[8...])
      let index = try lab.index(lab.cable.right, "r0")
      for packet in seen {
        // The stack's frames were not stamped by any hardware: veth answers 0.
        #expect(packet.metadata[.receiveTimestamp] == 0)
        #expect(packet.metadata[.vlan] == nil)
        #expect(packet.metadata[.ingressIndex] == index)
        #expect(packet.metadata[.mark] == 0xc0ff_ee01)
        let hash = UInt32(truncatingIfNeeded: packet.metadata[.receiveHash] ?? 0)
        #expect(packet.metadata[.flowTag] == UInt64(FlowTag(hash: hash).rawValue))
        #expect(packet.metadata.count == 5)
      }
      lab.receiver.finish()
    }

    @Test func `a driver without hints leaves their keys absent, and the program computes the rest`() throws {
      let lab = try MetadataLab(usesHints: false)
      #expect(lab.hints == [])
      let packet = SamplePacket { $0.transport = .udp }
      let seen = try lab.exchange([packet.frame])
      let expected: [MetadataKey: UInt64?] = [
        .flowTag: packet.softwareTag, .ingressIndex: try lab.index(lab.cable.right, "r0"), .mark: 0xc0ff_ee01,
      ]
      #expect(seen[0].metadata == expected.compactMapValues { $0 })
      lab.receiver.finish()
    }

    @Test func `what refused the better forms of the program is known of the one that runs`() throws {
      // Its own loopback device.
      let namespace = try NetworkNamespace("alone")
      let (program, plain) = try namespace.run {
        var device = try NetworkDevice(named: "lo")
        // It has neither native XDP nor anything to ask.
        device.xdp?.receiveMetadata = [.hash]
        func attach(_ forms: [ProgramForm], _ modes: [XDPMode]) throws -> XDPProgram {
          let program = try XDPProgram(forms, device: "lo", ifindex: device.index, queues: 1, modes: modes)
          program.detach()
          return program
        }
        return (
          try attach(ProgramForm.forms(MetadataLab.all, for: device), [.native, .generic]),
          try attach([.plain], [.generic])
        )
      }
      #expect(program.mode == .generic && program.hints == [])
      #expect(program.hintsRefusal?.subject == "lo" && program.hintsRefusal?.problem.isEmpty == false)
      #expect(program.nativeRefusal?.problem.contains("cannot be attached in native mode") == true)
      #expect(plain.hintsRefusal == nil && plain.nativeRefusal == nil)
    }

    @Test func `frames that come without a hint are written without its key`() throws {
      let lab = try MetadataLab()
      let frame = SamplePacket { $0.transport = .udp }.with { $0.payload = SamplePacket.fill(64) }
      // Redirected into the veth by a program: there is no skb that the driver could ask.
      let generator = try LiveFrameGenerator(
        in: lab.cable.left, device: "l0", .init(frame: frame.frame, packets: 100, batch: 16))
      let isThere = lab.receiver.receive(100)
      _ = try generator.wait()
      try #require(isThere)
      for packet in lab.receiver.log.packets {
        #expect(packet.metadata[.receiveHash] == nil && packet.metadata[.receiveTimestamp] == nil)
        #expect(packet.metadata[.flowTag] == frame.softwareTag && frame.softwareTag != nil)
        #expect(packet.metadata[.mark] == 0xc0ff_ee01)
      }
      lab.receiver.finish()
    }

    @Test(arguments: [true, false])
    func `the outermost VLAN tag of a frame is its metadata`(usesHints: Bool) throws {
      let lab = try MetadataLab(usesHints: usesHints)
      let tags: [[(UInt16, UInt16)]] = [
        [(0x8100, 0x2005)], [(0x88a8, 0x0fff), (0x8100, 7)], [(0x8100, 0)], [], [(0x8100, 1), (0x8100, 2)],
      ]
      let packets = tags.map { tags in SamplePacket { $0.vlans = tags } }
      let seen = try lab.exchange(packets.map(\.frame))
      for (packet, tags) in zip(seen, tags) {
        #expect(packet.metadata[.vlan] == tags.first.map { UInt64($0.0) << 16 | UInt64($0.1) })
      }
      lab.receiver.finish()
    }

    @Test func `a VLAN tag that the device took off the frame is its metadata`() throws {
      let left = try NetworkNamespace("left")
      let right = try NetworkNamespace("right")
      // Offloads on: a tag travels beside the frame.
      _ = try VethPair(VethEnd("l0", in: left, keepsOffloads: true), VethEnd("r0", in: right, keepsOffloads: true))
      let tagger = try VLANTagger(in: left, device: "l0", tag: 0x8100_2005)
      defer { withExtendedLifetime(tagger) {} }
      let receiver = try SteppedWorker(
        [.init(namespace: right, device: "r0", metadata: MetadataLab.all)],
        umem: UMEMConfiguration(frames: 1024, metadataLength: MetadataLab.all.length))
      let frame = NumberedFrame.make(3)
      try PacketSocket(in: left, device: "l0").send(frame)
      let isThere = eventually {
        receiver.turn()
        return receiver.log.packets.contains { $0.bytes == frame }
      }
      #expect(isThere)
      #expect(receiver.log.packets.first { $0.bytes == frame }?.metadata[.vlan] == 0x8100_2005)
      receiver.finish()
    }

    @Test func `the program's software flow tag is the one of PacketHeaders, or absent`() throws {
      let lab = try MetadataLab(usesHints: false)
      var random = SeededGenerator(3)
      var packets: [SamplePacket] = []
      for number in 0..<200 {
        packets.append(
          SamplePacket {
            $0.isIPv6 = number % 2 == 0
            $0.transport = number % 4 < 2 ? .tcp : .udp
            ($0.sourcePort, $0.destinationPort) = (.random(in: .min ... .max, using: &random), 53)
            ($0.sourceHost, $0.destinationHost) = (.random(in: 1...254, using: &random), 9)
            $0.vlans = Array([(0x88a8, 3), (0x8100, UInt16(number))].suffix(number % 3))
            if number % 5 == 0 { $0.ipv4Options = [1, 1, 1, 1] }
          })
      }
      let seen = try lab.exchange(packets.map(\.frame))
      for (packet, sample) in zip(seen, packets) {
        let expected = try #require(sample.softwareTag)
        #expect(packet.metadata[.flowTag] == expected)
      }
      #expect(Set(seen.map { $0.metadata[.flowTag] }).count > 150)

      let without = [
        SamplePacket { $0.moreFragments = true }, SamplePacket { $0.fragmentOffset = 8 },
        SamplePacket { $0.transport = .icmp }, SamplePacket { ($0.isIPv6, $0.transport) = (true, .icmp) },
        SamplePacket { ($0.isIPv6, $0.extensions) = (true, [.padding(0)]) },
        SamplePacket { ($0.isIPv6, $0.extensions) = (true, [.fragment(offset: 0, more: true)]) },
      ]
      var frames = without.map(\.frame)
      frames += [NumberedFrame.make(1), Array(SamplePacket().frame.prefix(36)), Array(SamplePacket().frame.prefix(14))]
      for packet in try lab.exchange(frames) { #expect(packet.metadata[.flowTag] == nil) }
      lab.receiver.finish()
    }

    @Test(arguments: [64, 1514, 5000, 9000])
    func `XDP_METADATA_COPY with packets of any size`(size: Int) throws {
      let umem = UMEMConfiguration(frames: 1024, chunkSize: 2048, headroom: 64)
      let lab = try MetadataLab(mtu: 9000, umem: umem)
      let seen = try lab.exchange(NumberedFrame.series(30, size: size))
      for packet in seen {
        #expect(packet.metadata[.mark] == 0xc0ff_ee01 && packet.metadata[.receiveHash] != nil)
        #expect((packet.descriptors.count > 1) == (size > 2048 - 64 - 256))
      }
      lab.receiver.finish()
    }

    @Test func `each set of keys is written and read alone`() throws {
      for entry in MetadataKey.wellKnown where entry.key != .vlan {
        let lab = try MetadataLab(MetadataConfiguration([entry.key], mark: 5))
        let seen = try lab.exchange([SamplePacket().frame])
        #expect(Array(seen[0].metadata.keys) == [entry.key])
        lab.receiver.finish()
      }
    }
  }
}
