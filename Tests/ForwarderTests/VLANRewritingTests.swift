import Forwarder
import PacketSamples
import Testing
import XSKEngine

/// Rewrites every packet with a closure, and reflects those that it could.
struct RewritingHandler: PacketHandler {
  var rewrite: (inout Burst, Int) -> Bool

  mutating func handle(_ burst: inout Burst) {
    for index in 0..<burst.count { burst[verdict: index] = rewrite(&burst, index) ? .reflect : .drop(.policy) }
  }
}

@Suite struct VLANRewritingTests {
  static func run(_ frames: [[UInt8]], _ rewrite: @escaping (inout Burst, Int) -> Bool) throws -> [[UInt8]] {
    try ForwarderRig(RewritingHandler(rewrite: rewrite), ports: 1).run(frames, on: 0)[0]
  }

  static let plain = SamplePacket { $0.payload = SamplePacket.fill(50) }

  @Test func `a packet without a tag gets one`() throws {
    let sent = try Self.run([Self.plain.frame]) { $0.setVLAN($1, to: 100) }
    #expect(sent == [Self.plain.with { $0.vlans = [(0x8100, 100)] }.frame])
  }

  @Test(arguments: [0x8100, 0x88A8] as [UInt16]) func `a tag's id is replaced, its priority and an inner tag stay`(
    type: UInt16
  ) throws {
    let tagged = Self.plain.with { $0.vlans = [(type, 0xE005), (0x8100, 7)] }
    let sent = try Self.run([tagged.frame]) { $0.setVLAN($1, to: 4095) }
    #expect(sent == [tagged.with { $0.vlans = [(type, 0xEFFF), (0x8100, 7)] }.frame])
  }

  @Test func `the outer tag is taken off`() throws {
    let tagged = Self.plain.with { $0.vlans = [(0x88A8, 5), (0x8100, 7)] }
    let sent = try Self.run([tagged.frame]) { $0.removeVLAN($1) }
    #expect(sent == [Self.plain.with { $0.vlans = [(0x8100, 7)] }.frame])
    #expect(try Self.run([Self.plain.frame]) { $0.removeVLAN($1) } == [], "there is none")
  }

  @Test func `a tag on and off leaves a packet as it was`() throws {
    let frames = (0..<20).map { number in Self.plain.with { $0.payload = SamplePacket.fill(number) }.frame }
    #expect(try Self.run(frames) { $0.setVLAN($1, to: 9) && $0.removeVLAN($1) } == frames)
  }

  @Test func `what is no Ethernet frame is refused`() throws {
    #expect(try Self.run([[], [1], [UInt8](repeating: 0, count: 13)]) { $0.setVLAN($1, to: 9) } == [])
    let short = Array(Self.plain.frame.prefix(14))
    #expect(try Self.run([short]) { $0.setVLAN($1, to: 9) } == [Array(short[..<12]) + [0x81, 0, 0, 9, 8, 0]])
  }
}
