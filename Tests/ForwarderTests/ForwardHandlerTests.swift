import Forwarder
import Testing
import XSKEngine

@Suite struct ForwardHandlerTests {
  @Test(arguments: [(0, 1), (1, 0), (2, 3), (3, 2)])
  func `what comes in on one port of a pair leaves by the other byte for byte`(ingress: Int, egress: Int) throws {
    let rig = try ForwarderRig(ForwardHandler(), ports: 4)
    let frames = (0..<300).map { ethernetFrame($0, length: 14 + $0) }
    let sent = rig.run(frames, on: ingress)
    for port in 0..<4 { #expect(sent[port] == (port == egress ? frames : [])) }
    #expect(rig.count(.forwardedPackets, ingress) == 300 && rig.count(.transmittedPackets, egress) == 300)
  }

  @Test func `a port without a partner drops and says why`() throws {
    let rig = try ForwarderRig(ForwardHandler(), ports: 3)
    #expect(rig.run((0..<10).map { ethernetFrame($0) }, on: 2) == [[], [], []])
    #expect(rig.counters.queue(slot: 2).dropped(.noSuchPort) == 10)
  }

  @Test func `jumbo packets and small ones keep their order`() throws {
    let rig = try ForwarderRig(ForwardHandler(), ports: 2)
    let frames = (0..<60).map { ethernetFrame($0, length: [64, 9014, 1792, 1793, 4000][$0 % 5]) }
    #expect(rig.run(frames, on: 0) == [[], frames])
  }
}
