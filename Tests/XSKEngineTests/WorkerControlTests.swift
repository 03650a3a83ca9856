import Glibc
import Testing

@testable import XSKEngine

@Suite struct WorkerControlTests {
  @Test func `the mailbox belongs to one queue until its answer was taken`() throws {
    let control = WorkerControl()
    #expect(control.isFree && control.takeMail() == nil)
    control.send(.vacate(slot: 1))
    #expect(!control.isFree && !control.takeAnswer(slot: 1).isAnswered)
    #expect(try #require(control.takeMail()).slot == 1)
    #expect(control.takeMail() == nil, "read once")
    control.answer(vacated: nil)
    #expect(!control.isFree && !control.takeAnswer(slot: 0).isAnswered, "not this queue's answer")
    #expect(control.takeAnswer(slot: 1).isAnswered)
    #expect(control.isFree && !control.takeAnswer(slot: 1).isAnswered)
  }

  @Test func `a discarded message or answer leaves the mailbox free`() {
    let control = WorkerControl()
    control.send(.vacate(slot: 1))
    control.discardMail()
    #expect(control.isFree && control.takeMail() == nil)
    control.send(.vacate(slot: 1))
    control.answer(vacated: nil)
    control.discardMail()
    #expect(control.isFree && !control.takeAnswer(slot: 1).isAnswered)
  }

  @Test func `a message and the wish to stop ring the bell until it is silenced`() throws {
    let control = WorkerControl()
    func rings() -> Bool {
      var entry = pollfd(fd: control.bell, events: Int16(POLLIN), revents: 0)
      return unsafe poll(&entry, 1, 0) == 1
    }
    try #require(control.bell >= 0)
    #expect(!rings() && !control.isStopRequested)
    control.send(.vacate(slot: 0))
    #expect(rings())
    control.silence()
    #expect(!rings())
    control.requestStop()
    #expect(rings() && control.isStopRequested)
  }

  @Test func `a vacated queue's rings are not touched and its frames stay known`() throws {
    let rig = try SimulatedRig(ports: 2) { $0.decideAll(.forward(to: 1)) }
    rig.nics[1].faults.stallsTransmit = true
    rig.step()
    rig.receive(count: 10)
    rig.step()
    rig.worker.parts.core.fail(1, ENODEV)
    rig.control.send(.vacate(slot: 1))
    rig.worker.housekeeping()
    #expect(rig.control.takeAnswer(slot: 1).isAnswered)
    rig.devices[1].lie(1, by: 10)
    rig.worker.housekeeping()
    let gauges = [QueueCounter.fillFrames, .txFrames, .completionFrames].map { rig.count($0, 1) }
    #expect(gauges == [0, 0, 0] && rig.count(.kernelFrames, 1) == 128 + 10)
    #expect(rig.counters.worker(index: 0).get(.ledgerViolations) == 0)
    rig.receive(count: 10)
    rig.step()
    #expect(rig.dropped(.portDown) == 10)
    rig.drainAlone()
  }
}
