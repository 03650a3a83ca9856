import Forwarder
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

@Suite("Flow tags from metadata") struct MetadataFlowTagTests {
  private func tag(_ block: [UInt8]) -> FlowTag? { PacketMetadata(block.packet).flowTag }

  /// Size codes of keys 0…3, no others.
  private func header(_ codes: UInt8) -> [UInt8] { [codes] + [UInt8](repeating: 0, count: 15) }

  @Test func `the program's flow tag counts, and nothing else does`() {
    let hash: [UInt8] = [0x78, 0x56, 0x34, 0x92]
    #expect(tag(header(0)) == nil)
    #expect(tag([]) == nil)
    // An RX hash of 4 bytes: other packets of the flow may have a tag from elsewhere.
    #expect(tag(header(0b10) + hash) == nil)
    // A flow tag of 2 bytes behind it.
    #expect(tag(header(0b01_00_00_10) + hash + [0x07, 0x81]) == FlowTag(rawValue: 0x8107))
    #expect(tag(header(0b01_00_00_00) + [0x07, 0x41]) == FlowTag(id: 0x107, end: true))
    // A flow tag that is not in the block.
    #expect(tag(header(0b01_00_00_00) + [0x07]) == nil)
  }
}
