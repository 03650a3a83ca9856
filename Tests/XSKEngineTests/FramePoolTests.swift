import Testing

@testable import XSKEngine

@Suite struct FramePoolTests {
  @Test func `the frame that came back last goes out first`() {
    var pool = FramePool(capacity: 4)
    for frame in [0, 2048, 4096] as [UInt64] { pool.push(frame) }
    #expect(pool.pop() == 4096)
    pool.push(6144)
    #expect(pool.pop() == 6144)
    #expect(pool.pop() == 2048)
    #expect(pool.pop() == 0)
    #expect(pool.pop() == nil && pool.count == 0)
  }

  @Test func `a working copy counts only once it was given back`() {
    var pool = FramePool(capacity: 4)
    pool.push(0)
    var top = pool.top
    let two: [UInt64] = [2048, 4096]
    // Safe: the buffer lives through the call.
    unsafe two.withUnsafeBufferPointer { unsafe top.push($0) { $0 } }
    #expect(top.popKnown() == 4096)
    #expect(pool.count == 1)
    pool.finish(top)
    #expect(pool.count == 2 && pool.frameAddresses == [0, 2048])
  }

  @Test func `many frames go back at once`() {
    var pool = FramePool(capacity: 4)
    pool.push(8192)
    let descriptors = (0..<3).map { Descriptor(address: UInt64($0) * 2048 + 256, length: 60) }
    var top = pool.top
    // Safe: the buffer lives through the call.
    unsafe descriptors.withUnsafeBufferPointer { unsafe top.push($0) { $0.address & ~2047 } }
    pool.finish(top)
    #expect(pool.frameAddresses == [8192, 0, 2048, 4096])
  }

  @Test func `a frame too many is a trap, not a corruption`() async {
    await #expect(processExitsWith: .failure) {
      var pool = FramePool(capacity: 1)
      pool.push(0)
      pool.push(2048)
    }
  }

  @Test func `a fresh worker has every frame, the lowest on top`() throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    #expect(rig.pooled == 512)
    #expect(rig.worker.parts.core.burst.pool.frameAddresses.last == 0)
    #expect(rig.worker.parts.core.burst.pool.frameAddresses.first == 511 * 2048)
    rig.expectInvariants()
  }

  @Test func `a dropped packet's frame is the next to be received into`() throws {
    let rig = try SimulatedRig(
      WorkerConfiguration(batch: 1, idle: .spin, fillLevel: 1)
    ) { $0.decideAll(.drop(.policy)) }
    for _ in 0..<10 {
      rig.step()
      let frame = rig.takeFrame()
      #expect(frame == 256, "frame 0 behind XDP's headroom")
      #expect(rig.receive(raw: Descriptor(address: 256, length: 60)))
      #expect(rig.step() == 1)
    }
    #expect(rig.receivedPackets() == 10)
    rig.expectInvariants()
  }
}
