import Foundation
import GROLite
import PacketSamples
import Testing

@Suite struct UnitLineTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  static func datagram(_ payload: [UInt8], _ change: (inout SamplePacket) -> Void = { _ in }) -> SamplePacket {
    SamplePacket { ($0.transport, $0.payload) = (.udp, payload) }.with(change)
  }

  @Test func `a line has exactly what it is to have`() throws {
    let frames = [data(0), data(100), data(200, 5), SamplePacket { $0.transport = .other(89) }].map(\.frame)
    _ = try folder.replay(SampleCapture(frames: frames + [[1, 2]]), mode: .linear)
    let sum = referenceCRC(
      SamplePacket.fill(100, from: 0) + SamplePacket.fill(100, from: 100) + SamplePacket.fill(5, from: 200))
    #expect(
      String(decoding: try folder.read("units"), as: UTF8.self) == """
        {"index":0,"packets":3,"form":"linear","l4":"tcp","payload":205,"crc32":\(sum),"ip_length":245}
        {"index":3,"packets":1,"form":"lone","l4":"other","payload":0,"crc32":0,"ip_length":20}
        {"index":4,"packets":1,"form":"lone","l4":"other","payload":null,"crc32":null,"ip_length":0,\
        "malformed":"hdr_trunc_ethernet"}

        """)
  }

  struct Lone: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let frame: [UInt8]
    let expected: UnitLine

    init(
      _ name: String, _ frame: [UInt8], _ l4: String, _ payload: [UInt8]?, _ length: Int, _ malformed: String? = nil
    ) {
      (testDescription, self.frame) = (name, frame)
      expected = UnitLine(
        index: 0, packets: 1, form: "lone", l4: l4, payload: payload?.count, crc32: payload.map(referenceCRC),
        ipLength: length, malformed: malformed)
    }
  }

  static let text = Array("payload".utf8)
  static let arp: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6] + SamplePacket.fill(46)

  static let lonePackets: [Lone] = [
    Lone("UDP", datagram(text).frame, "udp", text, 35),
    Lone("UDP over IPv6", datagram(text) { $0.isIPv6 = true }.frame, "udp", text, 55),
    Lone("empty UDP", datagram([]).frame, "udp", [], 28),
    Lone("UDP, padded", datagram(text) { $0.padding = 11 }.frame, "udp", text, 35),
    Lone("UDP that ends before its IP packet", shortDatagram, "udp", [0x70, 0x61], 35),
    Lone("pure acknowledgement", data(0, 0).frame, "tcp", [], 40),
    Lone("two VLAN tags", data(0, 3) { $0.vlans = [(0x88A8, 5), (0x8100, 6)] }.frame, "tcp", SamplePacket.fill(3), 43),
    Lone("ICMP", SamplePacket { $0.transport = .icmp }.frame, "other", [8, 0, 0xF7, 0xFC, 0, 1, 0, 2], 28),
    Lone("not IP", arp, "other", SamplePacket.fill(46), 0),
    Lone(
      "not IP, larger than IP could be", arp + [UInt8](repeating: 1, count: 200_000), "other",
      SamplePacket.fill(46) + [UInt8](repeating: 1, count: 200_000), 0),
    Lone("fragment", data(0, 16) { $0.moreFragments = true }.frame, "tcp", nil, 56),
    Lone("later fragment", datagram(text) { $0.fragmentOffset = 9 }.frame, "udp", nil, 35),
    Lone("no byte", [], "other", nil, 0, "hdr_trunc_ethernet"),
    Lone("IPv4 cut off", Array(data(0).frame[..<120]), "tcp", nil, 0, "pkt_too_small_ipv4"),
    Lone("IPv6 cut off", Array(data(0) { $0.isIPv6 = true }.frame[..<120]), "tcp", nil, 0, "pkt_too_small_ipv6"),
    Lone(
      "UDP over IPv6 cut off", Array(datagram(text) { $0.isIPv6 = true }.frame.dropLast()), "udp", nil, 0,
      "pkt_too_small_ipv6"),
    Lone("TCP data offset", spoilt(data(0).frame, at: 46, 0x40), "tcp", nil, 140, "tcp_data_offset_small"),
    Lone("UDP length", spoilt(datagram(text).frame, at: 38, 0x10), "udp", nil, 35, "pkt_too_small_udp"),
  ]

  static func spoilt(_ frame: [UInt8], at offset: Int, _ byte: UInt8) -> [UInt8] {
    var frame = frame
    frame[offset] = byte
    return frame
  }

  static var shortDatagram: [UInt8] { spoilt(datagram(text).frame, at: 39, 10) }

  @Test(arguments: lonePackets, [nil, .chain, .linear] as [GROConfiguration.Mode?])
  func `a packet alone is told as it is`(packet: Lone, mode: GROConfiguration.Mode?) throws {
    let replayed = try folder.replay(SampleCapture(frames: [packet.frame]), mode: mode)
    #expect(replayed.units == [packet.expected])
    #expect(replayed.frames == [packet.frame])
  }

  @Test(arguments: [nil, .chain, .linear] as [GROConfiguration.Mode?])
  func `units come with the place of their first packet, in the order of delivery`(
    mode: GROConfiguration.Mode?
  ) throws {
    // Two flows, and one of them displaced: its aggregate begins with the packet that came second.
    let packets = [data(100), data(0) { $0.sourcePort = 7 }, data(0), data(100) { $0.sourcePort = 7 }]
    let replayed = try folder.replay(SampleCapture(frames: packets.map(\.frame)), mode: mode)
    #expect(replayed.units.map(\.index) == (mode == nil ? [0, 1, 2, 3] : [2, 1]))
    #expect(replayed.units.map(\.packets) == (mode == nil ? [1, 1, 1, 1] : [2, 2]))
    #expect((replayed.outcome.summary.gro?.units) == (mode == nil ? nil : 2))
  }

  @Test(arguments: [
    ([64], [64, 36]), ([1], [Int](repeating: 1, count: 100)), ([1024], [100]),
    ([3, 1, 2], [3, 1] + [Int](repeating: 2, count: 48)),
    ([99, 1, 5], [99, 1]),
  ])
  func `a burst has exactly as many packets as it is to have, and its end flushes`(batches: [Int], units: [Int]) throws
  {
    let frames = (0..<100).map { data(UInt32($0 * 100)).frame }
    #expect(try folder.replay(SampleCapture(frames: frames), batches: batches).units.map(\.packets) == units)
  }

  @Test func `bursts of 1,024 packets of any size stay whole`() throws {
    // Each flow's second packet comes at the burst's end: they are apart if the burst is.
    let edge = (0..<8).map { flow in data(0) { $0.sourcePort = UInt16(flow) } }
    let far = edge.map { packet in packet.with { $0.sequence = 100 } }
    let middle =
      [[UInt8]](repeating: [UInt8](repeating: 0, count: 262_144), count: 64) + [[UInt8]](repeating: [], count: 944)
    let frames = edge.map(\.frame) + middle + far.map(\.frame)
    let replayed = try folder.replay(SampleCapture(frames: frames), mode: .linear, batches: [1024])
    #expect(replayed.units.filter { $0.packets == 2 }.map(\.index) == Array(0..<8))
    #expect(replayed.units.count == 1016)
  }
}
