import GROLite
import PacketSamples
import Testing

/// The kernel's self-test table, as captures.
@Suite struct KernelTableReplayTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test(arguments: KernelTable.cases, [GROConfiguration.Mode.chain, .linear])
  func `a row of the table, as a capture, delivers what the kernel does`(
    case: (KernelTable.Row, Bool), mode: GROConfiguration.Mode
  ) throws {
    let (row, isIPv6) = `case`
    for isRaw in [false, true] {
      let packets = row.bursts.joined().map { packet in
        packet.with { ($0.isIPv6, $0.isRaw) = (isIPv6, isRaw) }
      }
      let capture = SampleCapture(frames: packets.map(\.frame)) { $0.link = isRaw ? 101 : 1 }
      let replayed = try folder.replay(capture, mode: mode, batches: row.bursts.map(\.count))
      let fragments = packets.map { $0.moreFragments || $0.extensions.contains { $0.type == 44 } }
      let delivered = replayed.units.map { $0.payload ?? packets[$0.index].payload.count }
      #expect(delivered == (mode == .chain ? row.inChainMode ?? row.delivered : row.delivered))
      #expect(replayed.units.map { $0.payload == nil } == replayed.units.map { fragments[$0.index] })
      #expect(replayed.units.allSatisfy { $0.l4 == "tcp" && $0.malformed == nil })
      for unit in replayed.units {
        let headers =
          packets[unit.index].frame.count - packets[unit.index].linkLength - packets[unit.index].payload.count
        #expect(unit.ipLength == headers + (unit.payload ?? packets[unit.index].payload.count))
      }
      if mode == .chain { #expect(replayed.frames.sorted(by: less) == packets.map(\.frame).sorted(by: less)) }
    }
  }

  @Test func `an aggregate with CWR stays a chain in linear mode`() throws {
    let packets = [data(0) { $0.tcpFlags = 0x90 }, data(100) { $0.tcpFlags = 0x90 }, data(200), data(300)]
    let replayed = try folder.replay(SampleCapture(frames: packets.map(\.frame)), mode: .linear)
    #expect(replayed.units.map(\.form) == ["chain", "linear"] && replayed.units.map(\.payload) == [200, 200])
    #expect(replayed.frames.count == 3 && Array(replayed.frames[..<2]) == packets[..<2].map(\.frame))
  }
}

func less(_ one: [UInt8], _ other: [UInt8]) -> Bool { one.lexicographicallyPrecedes(other) }
