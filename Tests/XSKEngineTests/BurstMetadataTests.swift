import PacketSamples
import Testing

@testable import XSKEngine

/// Metadata on its way through a worker: a simulated NIC's frames with blocks that the test wrote.
@Suite("A burst's metadata") struct BurstMetadataTests {
  final class Seen {
    var marks: [UInt64?] = []
    var verdict = Verdict.drop(.policy)
  }

  /// Room for the mark alone.
  static let length = 20

  private func rig(_ umem: UMEMConfiguration, _ seen: Seen, ports: Int = 1) throws -> SimulatedRig {
    try SimulatedRig(ports: ports, umem: umem) { burst in
      for index in 0..<burst.count {
        seen.marks.append(burst.metadata(index).get(.mark))
        burst[verdict: index] = seen.verdict
      }
    }
  }

  /// Has a packet arrive with these bytes right ahead of it.
  private func receive(_ rig: SimulatedRig, ahead: [UInt8], length: Int = 60) -> Bool {
    guard let frame = rig.takeFrame() else { return false }
    let layout = rig.umem.layout
    let packet = layout.frame(of: frame) + UInt64(256 + rig.umem.configuration.headroom)
    for (place, byte) in ahead.enumerated() {
      // In the frame's headroom, which the frame's owner may write.
      let address = packet - UInt64(ahead.count) + UInt64(place)
      unsafe layout.pointer(to: address).storeBytes(of: byte, as: UInt8.self)
    }
    return rig.receive(raw: Descriptor(address: packet, length: UInt32(length)))
  }

  @Test(arguments: [0, 128])
  func `the block right ahead of a packet is the packet's`(headroom: Int) throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 512, headroom: headroom, metadataLength: Self.length), seen)
    rig.step()
    for mark in 0..<40 {
      #expect(receive(rig, ahead: MetadataBlock(entries: [(5, 4, UInt64(mark) << 8)]).bytes))
    }
    rig.step()
    #expect(seen.marks == (0..<40).map { UInt64($0) << 8 })
    rig.drainAlone()
  }

  @Test func `without metadata configured nothing is read, whatever is there`() throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 512), seen)
    rig.step()
    #expect(receive(rig, ahead: MetadataBlock(entries: [(5, 4, 77)]).bytes))
    rig.step()
    #expect(seen.marks == [nil])
    rig.drainAlone()
  }

  @Test func `what an earlier packet left in a frame is not taken for the next one's`() throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 64, metadataLength: Self.length), seen)
    let block = MetadataBlock(entries: [(5, 4, 77)]).bytes
    // Every frame of the UMEM comes by once in four rounds, so it has a block at one time and none at the next.
    for round in 0..<20 {
      rig.step()
      let before = seen.marks.count
      for _ in 0..<16 { #expect(receive(rig, ahead: round % 3 == 0 ? block : [])) }
      rig.step()
      let expected: UInt64? = round % 3 == 0 ? 77 : nil
      #expect(seen.marks[before...].allSatisfy { $0 == expected } && seen.marks.count == before + 16)
    }
    rig.drainAlone()
  }

  @Test func `a packet of the worker's own has none, whatever was in its frame`() throws {
    let seen = Seen()
    var own: [Bool] = []
    let rig = try SimulatedRig(
      umem: UMEMConfiguration(frames: 512, metadataLength: Self.length),
      compose: { burst in
        guard !seen.marks.isEmpty && own.count < 8 else { return }
        burst.compose(.drop(.policy), [UInt8](repeating: 1, count: 60).packet)
        own.append(burst.metadata(0).isEmpty)
      },
      decide: { burst in
        for index in 0..<burst.count { seen.marks.append(burst.metadata(index).get(.mark)) }
      })
    rig.step()
    for _ in 0..<8 {
      for _ in 0..<8 { #expect(receive(rig, ahead: MetadataBlock(entries: [(5, 4, 77)]).bytes)) }
      rig.step()
    }
    #expect(seen.marks == [UInt64?](repeating: 77, count: 64))
    #expect(own == [Bool](repeating: true, count: 8))
    rig.drainAlone()
  }

  @Test(arguments: [-8, -4, 4, 30])
  func `a packet whose start was moved has no metadata any more, and all of its bytes`(offset: Int) throws {
    var before: [UInt64?] = []
    var after: [Bool] = []
    var bytes: [[UInt8]] = []
    let rig = try SimulatedRig(umem: UMEMConfiguration(frames: 512, metadataLength: Self.length)) { burst in
      for index in 0..<burst.count {
        before.append(burst.metadata(index).get(.mark))
        let packet = burst.bytes(index).array
        if burst.moveStart(index, by: offset) { after.append(burst.metadata(index).isEmpty) }
        bytes.append(burst.bytes(index).array.suffix(packet.count - max(0, offset)))
        #expect(bytes.last == packet.suffix(packet.count - max(0, offset)))
      }
    }
    rig.step()
    #expect(receive(rig, ahead: MetadataBlock(entries: [(5, 4, 0xffff_ffff)]).bytes))
    rig.step()
    #expect(before == [0xffff_ffff] && after == [true] && bytes.count == 1)
    rig.drainAlone()
  }

  @Test func `a packet that starts too early in its frame for a block has none`() throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 512, metadataLength: 44), seen)
    rig.step()
    let frame = try #require(rig.takeFrame())
    #expect(rig.receive(raw: Descriptor(address: rig.umem.layout.frame(of: frame) + 40, length: 60)))
    let second = try #require(rig.takeFrame())
    #expect(rig.receive(raw: Descriptor(address: rig.umem.layout.frame(of: second), length: 60)))
    rig.step()
    #expect(seen.marks == [nil, nil])
    rig.drainAlone()
  }

  @Test func `sizes that don't fit the configured length are read as nothing`() throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 512, metadataLength: Self.length), seen)
    rig.step()
    #expect(receive(rig, ahead: [UInt8](repeating: 0xff, count: Self.length)))
    #expect(receive(rig, ahead: MetadataBlock(entries: [(5, 8, 1)]).bytes.suffix(Self.length)))
    rig.step()
    #expect(seen.marks == [nil, nil])
    rig.drainAlone()
  }

  @Test func `metadata of a packet of several frames is ahead of its first`() throws {
    let seen = Seen()
    let rig = try rig(UMEMConfiguration(frames: 512, metadataLength: Self.length), seen)
    rig.step()
    let layout = rig.umem.layout
    let first = try #require(rig.takeFrame())
    let second = try #require(rig.takeFrame())
    let packet = layout.frame(of: first) + 256
    for (place, byte) in MetadataBlock(entries: [(5, 4, 3)]).bytes.enumerated() {
      // As in `receive`.
      unsafe layout.pointer(to: packet - UInt64(Self.length - place)).storeBytes(of: byte, as: UInt8.self)
    }
    #expect(rig.receive(raw: Descriptor(address: packet, length: 1700, options: Descriptor.continues)))
    #expect(rig.receive(raw: Descriptor(address: layout.frame(of: second) + 256, length: 300)))
    rig.step()
    #expect(seen.marks == [3])
    rig.drainAlone()
  }
}
