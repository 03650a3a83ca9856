import PacketSamples
import Testing

@testable import XSKEngine

@Suite struct MoveStartTests {
  /// What one packet of 100 bytes leaves as after its start was moved, and whether each move was possible.
  static func run(_ moves: [Int], headroom: Int = 0) throws -> (sent: [UInt8], answers: [Bool]) {
    var answers: [Bool] = []
    let rig = try SimulatedRig(umem: UMEMConfiguration(frames: 64, headroom: headroom)) { burst in
      guard burst.count > 0 else { return }
      answers = moves.map { burst.moveStart(0, by: $0) }
      burst.decideAll(.reflect)
    }
    rig.step()
    rig.receive((0..<100).map { UInt8($0) })
    var sent: [UInt8] = []
    for _ in 0..<2 { rig.step { _, bytes, _ in sent = bytes.array } }
    rig.settle()
    rig.drainAlone()
    return (sent, answers)
  }

  @Test(arguments: [1, 4, 14, 99]) func `bytes are taken off in front`(count: Int) throws {
    let (sent, answers) = try Self.run([count])
    #expect(answers == [true] && sent == (count..<100).map { UInt8($0) })
  }

  @Test func `room is added in front, and what was taken off comes back`() throws {
    let (sent, answers) = try Self.run([40, -40])
    #expect(answers == [true, true] && sent == (0..<100).map { UInt8($0) })
    let (longer, _) = try Self.run([-8])
    #expect(longer.count == 108 && Array(longer[8...]) == (0..<100).map { UInt8($0) })
  }

  @Test(arguments: [0, 64]) func `what the frame or the packet has no room for is refused, and changes nothing`(
    headroom: Int
  ) throws {
    let (sent, answers) = try Self.run(
      [100, 101, 5000, -257 - headroom, .min + 1, .max, -256 - headroom], headroom: headroom)
    #expect(answers == [false, false, false, false, false, false, true])
    #expect(Array(sent[(256 + headroom)...]) == (0..<100).map { UInt8($0) })
  }
}
