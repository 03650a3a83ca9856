import Forwarder
import Testing
import XSKEngine

@Suite struct ReflectHandlerTests {
  /// The same frame with its two addresses swapped, made the slow way.
  func swapped(_ frame: [UInt8]) -> [UInt8] { Array(frame[6..<12] + frame[0..<6] + frame[12...]) }

  @Test(arguments: [14, 15, 60, 64, 1500, 1792])
  func `a packet goes back where it came from with its addresses swapped`(length: Int) throws {
    let rig = try ForwarderRig(ReflectHandler(), ports: 2)
    let frames = (0..<100).map { ethernetFrame($0, length: length) }
    let sent = rig.run(frames, on: 1)
    #expect(sent[0] == [])
    #expect(sent[1] == frames.map(swapped))
    #expect(rig.count(.forwardedPackets, 1) == 100 && rig.count(.transmittedPackets, 1) == 100)
    #expect(rig.count(.forwardedBytes, 1) == UInt64(100 * length))
  }

  @Test(arguments: [1, 13]) func `what is too short for two addresses is dropped`(length: Int) throws {
    let rig = try ForwarderRig(ReflectHandler(), ports: 1)
    let sent = rig.run([ethernetFrame(1, length: length), ethernetFrame(2)], on: 0)
    #expect(sent == [[swapped(ethernetFrame(2))]])
    #expect(rig.counters.queue(slot: 0).dropped(.policy) == 1)
  }

  @Test func `a packet of several frames goes back whole`() throws {
    let rig = try ForwarderRig(ReflectHandler(), ports: 1)
    let frames = (0..<20).map { ethernetFrame($0, length: 9014) }
    #expect(rig.run(frames, on: 0) == [frames.map(swapped)])
    #expect(rig.count(.forwardedBytes, 0) == 20 * 9014)
  }
}
