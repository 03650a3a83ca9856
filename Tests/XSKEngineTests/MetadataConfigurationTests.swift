import CXsk
import Testing

@testable import XSKEngine

@Suite("Metadata configuration") struct MetadataConfigurationTests {
  @Test func `metadata is off unless keys are named, and its length follows from them`() {
    #expect(!MetadataConfiguration().isOn && MetadataConfiguration().length == 0)
    #expect(MetadataConfiguration([.receiveHash]).length == 20)
    #expect(MetadataConfiguration([.flowTag]).length == 20)  // 18, rounded up
    #expect(MetadataConfiguration([.flowTag, .receiveTimestamp, .vlan]).length == 32)
    let all = MetadataConfiguration(
      Set(MetadataKey.wellKnown.map(\.key)), deployment: [DeploymentKey(.deployment(0), name: "tenant", bytes: 8)])
    #expect(all.length == 16 + 26 + 8 + 2)
    #expect(MetadataConfiguration(deployment: [DeploymentKey(.deployment(1), name: "a", bytes: 2)]).isOn)
  }

  @Test func `a configuration that can't be carried out is refused by name`() {
    func problem(_ configuration: MetadataConfiguration) -> String? {
      XSKEngineTests.problem { try configuration.validate() }
    }
    #expect(problem(MetadataConfiguration([.receiveHash, .mark])) == nil)
    #expect(
      problem(MetadataConfiguration([.deployment(4)]))
        == "metadata key 36: not one that the engine's program writes; name it among the deployment's keys")
    #expect(
      problem(MetadataConfiguration([MetadataKey(unchecked: 9)]))
        == "metadata key 9: not one that the engine's program writes; use keys 0 to 5")
    #expect(
      problem(MetadataConfiguration(deployment: [DeploymentKey(.vlan, name: "v", bytes: 4)]))
        == "metadata key 2 \"v\": well known; use keys 32 to 63")
    #expect(
      problem(MetadataConfiguration(deployment: [DeploymentKey(.deployment(0), name: "v", bytes: 3)]))
        == "metadata key 32 \"v\": its value has 3 bytes; use 2, 4 or 8")
    let twice = [
      DeploymentKey(.deployment(0), name: "v", bytes: 4), DeploymentKey(.deployment(1), name: "v", bytes: 4),
    ]
    #expect(problem(MetadataConfiguration(deployment: twice))?.contains("named twice") == true)
    let same = [
      DeploymentKey(.deployment(0), name: "v", bytes: 4), DeploymentKey(.deployment(0), name: "w", bytes: 4),
    ]
    #expect(problem(MetadataConfiguration(deployment: same))?.contains("named twice") == true)
    #expect(
      problem(MetadataConfiguration(deployment: [DeploymentKey(.deployment(0), name: "", bytes: 4)]))?
        .contains("has no name") == true)
  }

  @Test func `a UMEM has room for a block in its headroom, or says how much there is`() {
    func problem(headroom: Int, metadata: Int) -> String? {
      XSKEngineTests.problem {
        try UMEMConfiguration(headroom: headroom, metadataLength: metadata).validate()
      }
    }
    for length in [0, 16, 44, 256] { #expect(problem(headroom: 0, metadata: length) == nil) }
    #expect(problem(headroom: 64, metadata: 320) == nil)
    for length in [-4, 4, 18, 260] {
      #expect(
        problem(headroom: 0, metadata: length)
          == "metadata of \(length) bytes: out of range; use 0, or a multiple of 4 from 16 to 256")
    }
  }

  @Test func `the VLAN is missing where tags are taken out of packets and the driver does not tell them`() {
    let wanted = MetadataConfiguration([.vlan])
    var device = NetworkDevice.ideal
    device.offloads = Offloads([:])
    #expect(wanted.missingNames(hints: [], of: device) == [])
    device.offloads = Offloads(["rx-vlan-hw-parse": .init(isOn: true)])
    #expect(wanted.missingNames(hints: [], of: device) == ["VLAN"])
    #expect(wanted.missingNames(hints: .vlanTag, of: device) == [])
    // Nobody strips tags on a veth, whatever it says; its far end may leave them to be inserted.
    device = NetworkDevice.veth
    device.offloads = Offloads(["rx-vlan-hw-parse": .init(isOn: true)])
    device.peer?.offloads = Offloads([:])
    #expect(wanted.missingNames(hints: [], of: device) == [])
    device.peer?.offloads = Offloads(["tx-vlan-hw-insert": .init(isOn: true)])
    #expect(wanted.missingNames(hints: [], of: device) == ["VLAN"])
  }

  @Test func `the program is the plain one without metadata, and bound to the device only for what its driver tells`() {
    var device = NetworkDevice.ideal
    #expect(ProgramForm.forms(MetadataConfiguration(), for: device).map(\.function) == ["xsk_redirect"])
    let wanted = MetadataConfiguration([.receiveHash, .receiveTimestamp, .ingressIndex])
    device.xdp?.receiveMetadata = []
    #expect(ProgramForm.forms(wanted, for: device).map(\.isDeviceBound) == [false])
    device.xdp?.receiveMetadata = [.hash, .vlanTag]
    let forms = ProgramForm.forms(wanted, for: device)
    #expect(forms.map(\.isDeviceBound) == [true, false])
    // The VLAN tag was not asked for.
    #expect(forms.map(\.hints) == [.hash, []])
    #expect(wanted.missingNames(hints: .hash, of: device) == ["RX timestamp"])
    #expect(wanted.missingNames(hints: [], of: device) == ["RX hash", "RX timestamp"])
    // Nothing that only the driver knows: no program is bound for it.
    let own = MetadataConfiguration([.ingressIndex, .mark])
    #expect(ProgramForm.forms(own, for: device).map(\.isDeviceBound) == [false])
    device.xdp = nil
    #expect(ProgramForm.forms(wanted, for: device).map(\.isDeviceBound) == [false])
  }

  @Test func `the program's settings say which keys, in which length`() {
    let settings = MetadataConfiguration([.receiveHash, .mark], mark: 9).settings(hints: [.hash])
    #expect(settings.keys == 0b100001 && settings.length == 24 && settings.mark == 9)
    #expect(settings.hints == UInt32(XSK_METADATA_HINT_HASH))
    #expect(ReceiveHints([.timestamp, .hash, .vlanTag]).names == ["timestamp", "hash", "vlan-tag"])
    #expect(ReceiveHints.timestamp.rawValue == UInt64(XSK_METADATA_HINT_TIMESTAMP))
    #expect(ReceiveHints.vlanTag.rawValue == UInt64(XSK_METADATA_HINT_VLAN_TAG))
  }
}
