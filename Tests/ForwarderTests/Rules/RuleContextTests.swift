import Forwarder
import PacketHeaders
import PacketSamples
import Testing
import XSKEngine

/// The seam as a worker uses it: metadata borrowed from the burst, prefix sets as plain views.
struct WorkerContext: RuleContext, ~Escapable {
  let metadata: PacketMetadata
  let set: PrefixSet.View

  @_lifetime(copy metadata)
  init(_ metadata: PacketMetadata, _ set: PrefixSet.View) {
    self.metadata = metadata
    self.set = set
  }

  func metadata(_ key: UInt8) -> UInt64? { MetadataKey(number: Int(key)).flatMap { metadata.get($0) } }
  func contains(_ address: UInt32, inSet number: Int) -> Bool { set.contains(address) }
  func contains(_ address: UInt128, inSet number: Int) -> Bool { set.contains(address) }
}

@Suite struct RuleContextTests {
  @Test func `rules look at a packet's metadata and at compiled prefix sets`() throws {
    let rules = RuleSet([
      Rule("known", RuleMatch { $0.sourceSet = .anyOf("known") }, .host),
      Rule("hashed", RuleMatch { $0.metadata = [MetadataPattern(key: 0, value: 0x78, mask: 0xFF)] }, .route),
    ])
    let compiled = try CompiledRules(rules, in: RuleEnvironment(prefixSets: ["known"]))
    let known = try PrefixSet(ipv4: [IPv4Prefix("10.0.0.0/28")], ipv6: [IPv6Prefix("2001:db8::/124")])
    // A size code of 4 bytes for key 0, the RX hash, and its value.
    let hashed: [UInt8] = [0b10] + [UInt8](repeating: 0, count: 15) + [0x78, 0x56, 0x34, 0x12]
    for isIPv6 in [false, true] {
      let near = SamplePacket { ($0.isIPv6, $0.sourceHost) = (isIPv6, 3) }.frame
      let far = SamplePacket { ($0.isIPv6, $0.sourceHost) = (isIPv6, 30) }.frame
      for (bytes, block, expected) in [(near, hashed, 0), (far, hashed, 1), (far, [], nil)]
        as [([UInt8], [UInt8], Int?)]
      {
        // Both outlive the loop, by the lines below.
        let context = unsafe WorkerContext(PacketMetadata(block.packet), known.view)
        let classifier = unsafe compiled.classifier
        let found = classifier.firstMatch(
          PacketSummary(bytes.packet), frame: bytes.packet, length: bytes.count, ingressPort: 0, context: context)
        #expect(found == expected)
      }
    }
    withExtendedLifetime((compiled, known)) {}
  }
}
