import Forwarder
import Testing
import XSKEngine

@Suite struct DropHandlerTests {
  @Test(arguments: [1, 63, 64, 65, 1000]) func `every packet is dropped by policy and none is transmitted`(count: Int)
    throws
  {
    let rig = try ForwarderRig(DropHandler(), ports: 1)
    let sent = rig.run((0..<count).map { ethernetFrame($0) }, on: 0)
    #expect(sent == [[]])
    #expect(rig.count(.receivedPackets, 0) == UInt64(count))
    #expect(rig.count(.receivedBytes, 0) == UInt64(count * 64))
    #expect(rig.counters.queue(slot: 0).dropped(.policy) == UInt64(count))
  }
}
