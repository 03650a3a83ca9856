import CXsk
import PacketSamples
import Testing

@testable import XSKEngine

@Suite("Packet metadata") struct PacketMetadataTests {
  /// What a view of the bytes answers for each of the 64 keys.
  private func values(_ bytes: [UInt8]) -> [UInt64?] {
    let metadata = PacketMetadata(bytes.packet)
    return (0..<64).map { metadata.get(MetadataKey(unchecked: UInt8($0))) }
  }

  private func isEmpty(_ bytes: [UInt8]) -> Bool { PacketMetadata(bytes.packet).isEmpty }

  @Test func `a single value is found under its key, in every size, and under no other`() {
    for number in 0..<64 {
      for size in [2, 4, 8] {
        let value: UInt64 = 0xf1e2_d3c4_b5a6_9788
        let found = values(MetadataBlock(entries: [(number, size, value)]).bytes)
        for other in 0..<64 {
          #expect(found[other] == (other == number ? MetadataBlock.widened(value, size) : nil))
        }
      }
    }
  }

  @Test func `any set of keys in any sizes reads back as it was written, in key order`() {
    var random = SeededGenerator(state: 7)
    for round in 0..<500 {
      var entries: [(number: Int, bytes: Int, value: UInt64)] = []
      for number in 0..<64 where UInt8.random(in: 0..<8, using: &random) <= UInt8(round % 9) {
        entries.append((number, [2, 4, 8].randomElement(using: &random) ?? 2, random.next()))
      }
      entries.shuffle(using: &random)
      // Some room is left, as when keys are absent for one packet.
      let block = MetadataBlock(entries: entries).bytes + [UInt8](repeating: 0xee, count: round % 3 * 4)
      var expected = [UInt64?](repeating: nil, count: 64)
      for entry in entries { expected[entry.number] = MetadataBlock.widened(entry.value, entry.bytes) }
      #expect(values(block) == expected)
      #expect(isEmpty(block) == entries.isEmpty)
    }
  }

  @Test func `all 64 keys of 8 bytes fit where there is room for them, and count as absent where one byte is missing`()
  {
    let entries = (0..<64).map { (number: $0, bytes: 8, value: UInt64($0) << 56 | 1) }
    let block = MetadataBlock(entries: entries).bytes
    #expect(block.count == 16 + 512)
    #expect(values(block) == entries.map { $0.value })
    #expect(values(block.dropLast()) == [UInt64?](repeating: nil, count: 64))
  }

  @Test func `garbage is read inside its bounds, and as nothing where its sizes don't fit`() {
    var random = SeededGenerator(state: 11)
    var fitting = 0
    for round in 0..<5_000 {
      var block = (0..<round % 200).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Every other header is sparse, or none would fit.
      if round % 2 == 0 {
        for index in 0..<min(16, block.count) where index != round % 16 { block[index] = 0 }
      }
      let fits = block.count >= 16 && MetadataBlock.valueBytes(block[..<16]) <= block.count - 16
      let found = values(block)
      if fits { fitting += 1 } else { #expect(found.allSatisfy { $0 == nil }) }
      #expect(isEmpty(block) == found.allSatisfy { $0 == nil })
      guard fits else { continue }
      var offset = 16
      for number in 0..<64 {
        let size = [0, 2, 4, 8][Int(block[number / 4] >> UInt8(number % 4 * 2) & 3)]
        let value = block[offset..<offset + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(found[number] == (size == 0 ? nil : value))
        offset += size
      }
    }
    #expect(fitting > 1_000)
  }

  @Test func `well-known keys have the numbers and sizes of the C header`() {
    let numbers: [(MetadataKey, Int, Int)] = [
      (.receiveHash, Int(XSK_METADATA_RX_HASH), 4), (.receiveTimestamp, Int(XSK_METADATA_RX_TIMESTAMP), 8),
      (.vlan, Int(XSK_METADATA_VLAN), 4), (.flowTag, Int(XSK_METADATA_FLOW_TAG), 2),
      (.ingressIndex, Int(XSK_METADATA_INGRESS_IFINDEX), 4), (.mark, Int(XSK_METADATA_MARK), 4),
    ]
    for (key, number, size) in numbers {
      #expect(Int(key.number) == number && key.wellKnownSize == size && !key.isDeployment)
    }
    #expect(PacketMetadata.headerBytes == Int(XSK_METADATA_HEADER_BYTES))
    #expect(MemoryLayout<xsk_metadata_header>.size == 16)
    #expect(MetadataKey.deployment(0).number == UInt8(XSK_METADATA_DEPLOYMENT))
    #expect(MetadataKey.deployment(31).number == UInt8(XSK_METADATA_KEYS) - 1)
    #expect(MetadataKey.deployment(31).isDeployment && MetadataKey.deployment(3).wellKnownSize == nil)
    #expect(MetadataKey(number: 63) == .deployment(31) && MetadataKey(number: 64) == nil)
    #expect(MetadataKey(number: -1) == nil)
  }
}
