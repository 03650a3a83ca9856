import Foundation
import Testing

@testable import XSKEngine

struct CounterPageTests {
  @Test func `Offsets are those of the documented picture`() throws {
    let expected: [CounterPageField: Int] = [
      .magic: 0, .version: 8, .headerBytes: 16, .epoch: 24, .pid: 32, .pidStart: 40, .startedUnix: 48,
      .startedMonotonic: 56, .state: 64, .pageBytes: 72, .descriptionOffset: 80, .descriptionCapacity: 88,
      .descriptionLength: 96, .workerOffset: 104, .workerStride: 112, .workerCount: 120, .slotOffset: 128,
      .slotStride: 136, .slotCount: 144,
    ]
    #expect(expected.count == CounterPageField.allCases.count)
    for field in CounterPageField.allCases { #expect(field.rawValue == expected[field]) }

    let layout = try CounterPageLayout(workers: 3, slots: 5, descriptionBytes: 5000)
    #expect(layout.descriptionOffset == 4096)
    #expect(layout.descriptionCapacity == 12288)
    #expect(layout.workerOffset == 16384)
    #expect(layout.workerStride == 512)
    #expect(layout.slotOffset == 16384 + 3 * 512)
    #expect(layout.slotStride == 2560)
    #expect(layout.pageBytes == 32768)
  }

  @Test func `The magic reads XSKCNTR1 in the file`() throws {
    #expect(try examplePageBytes().prefix(8) == Array("XSKCNTR1".utf8)[...])
  }

  @Test func `No two blocks share a pair of cache lines`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    let blocks: [UInt] =
      (0..<2).map { unsafe UInt(bitPattern: page.worker(index: $0).base) }
      + (0..<3).map { unsafe UInt(bitPattern: page.queue(slot: $0).base) }
    for address in blocks { #expect(address % 128 == 0) }
    let sizes: [UInt] = [512, 512, 1024, 1024, 1024]
    for (index, address) in blocks.enumerated().dropLast() {
      #expect(address + sizes[index] <= blocks[index + 1])
    }
  }

  @Test func `Every counter and drop reason has its own place below 64 and its own name`() {
    let kinds: [(places: [Int], names: [String])] = [
      (QueueCounter.allCases.map(\.rawValue), QueueCounter.allCases.map(\.name)),
      (WorkerCounter.allCases.map(\.rawValue), WorkerCounter.allCases.map(\.name)),
      (DropReason.own.map { Int($0.rawValue) }, DropReason.own.map(\.name)),
    ]
    for kind in kinds {
      #expect(Set(kind.places).count == kind.places.count)
      #expect(Set(kind.names).count == kind.names.count)
      for place in kind.places { #expect((0..<64).contains(place)) }
    }
  }

  @Test func `What each handle writes is in the snapshot under that name, and nowhere else`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    var number: UInt64 = 1
    for slot in 0..<3 {
      for counter in QueueCounter.allCases {
        page.queue(slot: slot).add(counter, number)
        number += 1
      }
      for reason in DropReason.own {
        page.queue(slot: slot).drop(reason, number)
        number += 1
      }
    }
    for worker in 0..<2 {
      for counter in WorkerCounter.allCases {
        page.worker(index: worker).set(counter, number)
        number += 1
      }
    }
    let snapshot = try page.snapshot()
    var expected: UInt64 = 1
    for slot in snapshot.slots {
      for counter in QueueCounter.allCases {
        #expect(slot[counter] == expected)
        expected += 1
      }
      for reason in DropReason.own {
        #expect(slot[reason] == expected)
        expected += 1
      }
    }
    for worker in snapshot.workers {
      for counter in WorkerCounter.allCases {
        #expect(worker[counter] == expected)
        expected += 1
      }
    }
  }

  @Test func `Counters wrap`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    let queue = page.queue(slot: 0)
    queue.set(.receivedBytes, .max)
    queue.add(.receivedBytes, 3)
    #expect(queue.get(.receivedBytes) == 2)
    queue.drop(.policy, .max)
    queue.drop(.policy, 2)
    #expect(queue.dropped(.policy) == 1)
  }

  @Test func `A reader of the file sees counters, description, state and process while they change`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let page = try CounterPage(exampleDescription, workers: 2, path: path)
    let reader = try CounterPageReader(path: path)
    var snapshot = try reader.snapshot()
    #expect(snapshot.description == exampleDescription)
    #expect(snapshot.state == .starting)
    #expect(snapshot.process == .current)
    #expect(snapshot.epoch == 2)
    #expect(snapshot.slots[1][.receivedPackets] == 0)

    page.state = .running
    page.queue(slot: 1).add(.receivedPackets, 64)
    page.queue(slot: 1).drop(.txRingFull, 3)
    page.worker(index: 1).add(.turns, 9)
    try page.describe { $0.ports[1].link = "up" }
    snapshot = try reader.snapshot()
    #expect(snapshot.state == .running)
    #expect(snapshot.epoch == 4)
    #expect(snapshot.description.ports[1].link == "up")
    #expect(snapshot.slots[1][.receivedPackets] == 64)
    #expect(snapshot.drops["tx_ring_full"] == 3)
    #expect(snapshot.total(.turns) == 9)
  }

  @Test func `Another process finds every number where the picture says`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let page = try CounterPage(exampleDescription, workers: 2, path: path)
    let layout = page.layout
    page.state = .running
    page.worker(index: 1).add(.polls, 1001)
    page.queue(slot: 2).add(.forwardedPackets, 1002)
    page.queue(slot: 2).drop(.portDown, 1003)
    let places: [(offset: Int, value: UInt64)] = [
      (8, 2), (16, 4096), (24, 2), (32, UInt64(getpid())), (64, 2), (72, UInt64(layout.pageBytes)),
      (104, UInt64(layout.workerOffset)), (112, 512), (120, 2), (128, UInt64(layout.slotOffset)), (136, 2560),
      (144, 3),
      (layout.workerOffset + 512 + 8 * WorkerCounter.polls.rawValue, 1001),
      (layout.slotOffset + 2 * 2560 + 8 * QueueCounter.forwardedPackets.rawValue, 1002),
      (layout.slotOffset + 2 * 2560 + 8 * (64 + Int(DropReason.portDown.rawValue)), 1003),
    ]
    for place in places { #expect(try wordSeenElsewhere(path, at: place.offset) == place.value) }
  }

  @Test func `A reader sees what another process writes into the page`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    try Data(try examplePageBytes()).write(to: URL(fileURLWithPath: path))
    let reader = try CounterPageReader(path: path)
    let layout = try CounterPageLayout(workers: 2, slots: 3, descriptionBytes: 2000)
    let before = try reader.snapshot()
    #expect(before.slots[2][.receivedPackets] == 42)
    let offset = Int(try #require(try wordSeenElsewhere(path, at: 128))) + 2560
    #expect(offset == layout.slotOffset + 2560)
    _ = try run(
      "/bin/sh", "-c", "printf 'ABCD' | dd of='\(path)' bs=1 seek=\(offset) conv=notrunc status=none")
    #expect(try reader.snapshot().slots[1][.receivedPackets] == 0x4443_4241)
  }

  @Test func `The file is world-readable whatever the umask, and gone after closing`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let page = try CounterPage(exampleDescription, workers: 2, path: path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o644)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["page"])
    let reader = try CounterPageReader(path: path)
    page.queue(slot: 0).add(.receivedPackets, 5)
    page.close()
    page.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    #expect(try reader.snapshot().state == .stopped)
    #expect(try reader.snapshot().slots[0][.receivedPackets] == 5)
  }

  @Test func `Closing leaves a file alone that has taken the page's place`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let first = try CounterPage(exampleDescription, workers: 2, path: path)
    let second = try CounterPage(exampleDescription, workers: 2, path: path)
    first.close()
    #expect(FileManager.default.fileExists(atPath: path))
    second.close()
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test(arguments: [
    (2, 0, "queue slot 0 names port 5 of 2"), (2, 1, "queue slot 1 names worker 2 of 2"),
  ]) func `A description that points nowhere is refused and changes nothing`(
    workers: Int, slot: Int, problem: String
  ) throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: workers)
    let error = #expect(throws: XSKError.self) {
      try page.describe { if slot == 0 { $0.slots[0].port = 5 } else { $0.slots[slot].worker = 2 } }
    }
    #expect(error?.problem == problem)
    #expect(page.description == exampleDescription)
    #expect(try page.snapshot().description == exampleDescription)
  }

  @Test func `A description that outgrows its room is refused and changes nothing`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    let error = #expect(throws: XSKError.self) {
      try page.describe { $0.command = String(repeating: "x", count: 20000) }
    }
    #expect(error?.problem.contains("there is room for 8192") == true)
    #expect(try page.snapshot().description == exampleDescription)
    #expect(try page.snapshot().epoch == 2)
  }

  @Test func `A directory that isn't there is an error that names the file`() {
    let error = #expect(throws: XSKError.self) {
      try CounterPage(exampleDescription, workers: 2, path: "/nonexistent/page")
    }
    #expect(error?.subject == "/nonexistent/page")
    #expect(error?.code == ENOENT)
  }
}

@Suite struct DropReasonTests {
  @Test func `a deployment's reasons have their own names and places`() throws {
    let flood = DropReason.custom(0)
    let last = DropReason.custom(DropReason.customCount - 1)
    let device = try SimulatedDevice()
    let page = try CounterPage(
      simulated: [device], reasonNames: [flood: "flood", last: "the_last", .custom(1): "policy"])
    page.queue(slot: 0).drop(flood, 3)
    page.queue(slot: 0).drop(last, 4)
    page.queue(slot: 0).drop(.policy, 5)
    let drops = try page.snapshot().drops
    #expect(drops["flood"] == 3 && drops["the_last"] == 4)
    #expect(drops["policy"] == 5, "a name that is taken stays with the first")
    #expect(page.queue(slot: 0).droppedTotal == 12)
    #expect(page.queue(slot: 0).get(.receivedPackets) == 0, "reasons touch no counter")
  }

  @Test func `names are those of the engine's own, each once`() {
    #expect(Set(DropReason.own.map(\.name)).count == DropReason.own.count && DropReason.own.count <= 32)
    #expect(DropReason.custom(7).name == "reason_103")
  }
}
