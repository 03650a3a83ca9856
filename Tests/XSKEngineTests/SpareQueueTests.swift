import Testing

@testable import XSKEngine

/// Queues of spare ports, filled and emptied under a worker that goes on.
@Suite struct SpareQueueTests {
  private static let rings = RingSizes(receive: 16, transmit: 16)

  /// Port 0 sends where the box says, everybody else to port 0.
  private static func rig(spares: Int = 2) throws -> (SimulatedRig, TargetBox) {
    let target = TargetBox()
    let rig = try SimulatedRig(spares: spares) { burst in
      burst.decideAll(.forward(to: burst.port == 0 ? target.port : 0))
    }
    return (rig, target)
  }

  final class TargetBox { var port: UInt8 = 1 }
  final class HoldingBox {
    var isHolding = true
    var packets: [HeldPacket] = []
  }

  /// Does what the supervisor does, the worker answering at its next housekeeping.
  private static func obey(_ rig: SimulatedRig, _ mail: QueueMail, within turns: Int = 1) {
    rig.control.send(mail)
    for _ in 0..<turns {
      rig.worker.housekeeping()
      if rig.control.takeAnswer(slot: mail.slot).isAnswered { return rig.expectInvariants() }
      rig.step()
    }
    Issue.record("no answer")
  }

  private static func fill(_ rig: SimulatedRig, _ slot: Int) throws -> PluggedDevice {
    let device = try SimulatedDevice(name: "late\(slot)", rings: rings)
    obey(rig, .replace(slot: slot, .simulated(device), maximumLength: 2000))
    return PluggedDevice(device, rig.umem)
  }

  final class PluggedDevice {
    let device: SimulatedDevice
    var nic: SimulatedNIC

    init(_ device: SimulatedDevice, _ umem: UMEM) {
      self.device = device
      nic = SimulatedNIC(device, umem: umem)
    }

    func receive(count: Int) -> Int { nic.receive(count: count, length: 60) }
    func transmit() -> Int { nic.transmit { _, _ in } }
  }

  @Test func `packets for an empty spare port have no such port`() throws {
    let (rig, _) = try Self.rig()
    rig.step()
    #expect(rig.receive(count: 5) == 5)
    rig.step()
    #expect(rig.dropped(.noSuchPort) == 5)
    rig.drainAlone()
  }

  @Test func `nobody looks at empty spare ports`() throws {
    let (rig, _) = try Self.rig(spares: 200)
    #expect(rig.worker.parts.core.usedCount == 1)
    let one = try Self.fill(rig, 100)
    #expect(rig.worker.parts.core.usedCount == 2)
    #expect(one.receive(count: 3) == 3)
    rig.step()
    #expect(rig.forwarded(100) == 3)
    for mail in [QueueMail.vacate(slot: 100), .reclaim(slot: 100)] { Self.obey(rig, mail) }
    #expect(rig.worker.parts.core.usedCount == 1)
    rig.drainAlone()
  }

  @Test func `a device is put in and taken out a hundred times while others' packets go on`() throws {
    let (rig, target) = try Self.rig()
    let pooled = rig.pooled
    var (sent, returned) = (0, 0)
    for round in 0..<100 {
      let slot = 1 + round % 2
      target.port = UInt8(slot)
      let plugged = try Self.fill(rig, slot)
      #expect(rig.receiveFrames(slot) == 32, "as many as its fill ring holds")
      for _ in 0..<5 {
        sent += rig.receive(count: 7)
        #expect(plugged.receive(count: 4) == 4)
        rig.step()
        rig.expectInvariants()
        returned += plugged.transmit()
      }
      // Some are left on their way in and out when it has to go.
      sent += rig.receive(count: 3)
      #expect(plugged.receive(count: 2) == 2)
      rig.control.send(.retire(slot: slot))
      rig.worker.housekeeping()
      #expect(!rig.control.takeAnswer(slot: slot).isAnswered, "there is something under way")
      rig.step()
      returned += plugged.transmit()
      rig.step()
      rig.worker.housekeeping()
      #expect(rig.control.takeAnswer(slot: slot).isAnswered)
      rig.expectInvariants()
      Self.obey(rig, .reclaim(slot: slot))
      #expect(rig.receiveFrames(slot) == 0 && rig.transmitFrames(slot) == 0)
    }
    rig.settle()
    #expect(rig.receivedPackets() == UInt64(sent))
    #expect(rig.forwarded() == UInt64(returned), "what left by the plugged devices")
    // The last three of each round came after the end was asked for.
    #expect(rig.dropped(.noSuchPort) == 300)
    #expect(rig.receivedPackets(1) + rig.receivedPackets(2) == 100 * 22)
    #expect(rig.pooled + rig.receiveFrames() == pooled)
    rig.drainAlone()
  }

  @Test func `a device that never finishes what it was given is let go of in time`() throws {
    let (rig, _) = try Self.rig()
    rig.step()
    let plugged = try Self.fill(rig, 1)
    #expect(rig.receive(count: 6) == 6)
    rig.step()
    #expect(rig.transmitFrames(1) == 6)
    Self.obey(rig, .retire(slot: 1), within: 100_000)
    #expect(rig.transmitFrames(1) == 6, "they are the kernel's until the socket is closed")
    Self.obey(rig, .reclaim(slot: 1))
    #expect(rig.transmitFrames(1) == 0 && rig.receiveFrames(1) == 0)
    // Whatever the old rings say now is nobody's business.
    _ = plugged.transmit()
    rig.step()
    rig.drainAlone()
  }

  @Test func `packets that are held when their port is emptied are accounted for later`() throws {
    let hold = HoldingBox()
    let target = TargetBox()
    let rig = try SimulatedRig(
      spares: 1, .init(idle: .spin, holdCapacity: 8, drainMilliseconds: 20)
    ) { held in
      guard !hold.isHolding else { return }
      for packet in hold.packets { held.release(packet, .drop(.policy)) }
      hold.packets = []
    } decide: { burst in
      guard burst.port != 0 else { return burst.decideAll(.forward(to: target.port)) }
      for index in 0..<burst.count { if let packet = burst.hold(index) { hold.packets.append(packet) } }
    }
    let plugged = try Self.fill(rig, 1)
    #expect(plugged.receive(count: 4) == 4)
    rig.step()
    #expect(rig.heldFrames == 4)
    Self.obey(rig, .retire(slot: 1), within: 100_000)
    Self.obey(rig, .reclaim(slot: 1))
    #expect(rig.heldFrames == 4)
    hold.isHolding = false
    rig.worker.housekeeping()
    rig.expectInvariants()
    #expect(rig.heldFrames == 0 && rig.dropped(.policy, 1) == 4)
    rig.drainAlone()
  }

  @Test func `a lost device's frames come back, and its port can be filled again`() throws {
    let (rig, _) = try Self.rig()
    rig.step()
    let plugged = try Self.fill(rig, 1)
    #expect(rig.receive(count: 6) == 6)
    rig.step()
    plugged.nic.die()
    rig.worker.parts.core.fail(1, 19)
    #expect(rig.receive(count: 2) == 2)
    rig.step()
    #expect(rig.dropped(.portDown) == 2 && rig.count(.failure, 1) == 19)
    Self.obey(rig, .vacate(slot: 1))
    Self.obey(rig, .reclaim(slot: 1))
    #expect(rig.count(.failure, 1) == 0 && rig.receiveFrames(1) == 0 && rig.transmitFrames(1) == 0)
    let next = try Self.fill(rig, 1)
    #expect(rig.receive(count: 3) == 3)
    rig.step()
    #expect(next.transmit() == 3)
    rig.settle()
    rig.drainAlone()
  }
}
