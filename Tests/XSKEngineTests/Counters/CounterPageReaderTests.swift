import Foundation
import Synchronization
import Testing

@testable import XSKEngine

/// A change to an intact page, and words of the error that it must give.
struct Damage: Sendable, CustomTestStringConvertible {
  let words: String
  let change: @Sendable (inout [UInt8]) -> Void
  var testDescription: String { words }

  init(_ words: String, _ change: @escaping @Sendable (inout [UInt8]) -> Void) {
    self.words = words
    self.change = change
  }

  /// Overwrites one field of the header.
  init(_ words: String, _ field: CounterPageField, _ value: UInt64) {
    self.init(words) { $0.store(value, at: field.rawValue) }
  }

  /// Overwrites the description.
  init(_ words: String, description: String) {
    self.init(words) { bytes in
      bytes.replaceSubrange(4096..<4096 + description.utf8.count, with: description.utf8)
      bytes.store(UInt64(description.utf8.count), at: CounterPageField.descriptionLength.rawValue)
    }
  }
}

extension [UInt8] {
  fileprivate mutating func store(_ value: UInt64, at offset: Int) {
    for byte in 0..<8 { self[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
  }
}

private let damages: [Damage] = [
  Damage("is 0 bytes long") { $0 = [] },
  Damage("is 7 bytes long") { $0 = Array($0.prefix(7)) },
  Damage("is 4095 bytes long") { $0 = Array($0.prefix(4095)) },
  Damage("is 4096 bytes long, but claims") { $0 = Array($0.prefix(4096)) },
  Damage("bytes long, but claims") { $0.removeLast() },
  Damage("bytes long, but claims") { $0 += [0] },
  Damage("wrong magic") { $0 = [UInt8](repeating: 0, count: $0.count) },
  Damage("wrong magic") { $0 = [UInt8](repeating: 0xFF, count: $0.count) },
  Damage("layout version 3", .version, 3),
  Damage("layout version 18446744073709551615", .version, .max),
  Damage("claims a header of 0 bytes", .headerBytes, 0),
  Damage("misaligned or too narrow", .workerOffset, 8),
  Damage("outside of its", .workerOffset, 0),
  Damage("outside of its", .workerOffset, UInt64.max - 127),
  Damage("misaligned or too narrow", .workerOffset, .max),
  Damage("misaligned or too narrow", .workerStride, 0),
  Damage("misaligned or too narrow", .workerStride, 511),
  Damage("misaligned or too narrow", .workerStride, 513),
  Damage("outside of its", .workerStride, UInt64.max - 127),
  Damage("more than the 4096 possible", .workerCount, .max),
  Damage("outside of its", .workerCount, 4096),
  Damage("outside of its", .slotOffset, 1 << 40),
  Damage("misaligned or too narrow", .slotStride, 512),
  Damage("more than the 16384 possible", .slotCount, 1 << 62),
  Damage("outside of its", .slotCount, 16384),
  Damage("more than the 16777216 possible", .descriptionCapacity, .max),
  Damage("outside of its", .descriptionCapacity, 16 << 20),
  Damage("no multiple of 8", .descriptionCapacity, 8191),
  Damage("outside of its", .descriptionOffset, 0),
  Damage("there is room for 8192", .descriptionLength, 8193),
  Damage("there is room for 8192", .descriptionLength, .max),
  Damage("doesn't parse", .descriptionLength, 0),
  Damage("doesn't parse", .descriptionLength, 100),
  Damage("doesn't parse", .descriptionLength, 8192),
  Damage("unknown state 0", .state, 0),
  Damage("unknown state 4", .state, 4),
  Damage("process number 0", .pid, 0),
  Damage("process number 4294967295", .pid, 0xFFFF_FFFF),
  Damage("describes 3 queues but has 2", .slotCount, 2),
  Damage("queue slot 1 names worker 1 of 1", .workerCount, 1),
  Damage("doesn't parse", description: "{}"),
  Damage("doesn't parse", description: "\u{0}\u{1}"),
  Damage("doesn't parse", description: String(repeating: "[", count: 8000)),
  Damage("doesn't parse", description: #"{"tool":1e999}"#),
  Damage("names port 99 of 1", description: described(slots: #"{"worker":0,"cpu":0,"port":99,"queue":0}"#)),
  Damage("names worker -1 of 2", description: described(slots: #"{"worker":-1,"cpu":0,"port":0,"queue":0}"#)),
  Damage(
    "drop reason x at place 256 of 256", description: described(names: #""worker":{},"queue":{},"drops":{"x":256}"#)),
  Damage("counter x at place -1 of 64", description: described(names: #""worker":{"x":-1},"queue":{},"drops":{}"#)),
]

/// A description for three slots.
private func described(
  slots slot: String = #"{"worker":0,"cpu":0,"port":0,"queue":0}"#,
  names: String = #""worker":{},"queue":{},"drops":{}"#
) -> String {
  let ports = #"[{"name":"a","device":"a","ifindex":1,"mode":"copy","queues":[0],"link":"up"}]"#
  return #"{"tool":"t","version":"9","command":"c","ports":\#(ports),"slots":[\#(slot),\#(slot),\#(slot)],"#
    + #""counters":{\#(names)}}"#
}

struct CounterPageReaderTests {
  @Test(arguments: damages) func `A damaged page gives an error that names the damage`(_ damage: Damage) throws {
    var bytes = try examplePageBytes()
    damage.change(&bytes)
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: XSKError.self) { _ = try CounterPageReader(path: path).snapshot() }
    #expect(error?.subject == path)
    #expect(error?.problem.contains(damage.words) == true, "\(error?.description ?? "no error")")
  }

  @Test func `Random bytes in the header and the description never crash a reader`() throws {
    let intact = try examplePageBytes()
    let directory = try TemporaryDirectory()
    var random = SystemRandomNumberGenerator()
    for attempt in 0..<300 {
      var bytes = intact
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 8..<24, using: &random) * 8 + Int.random(in: 0..<8)] = .random(in: 0...255)
        bytes[4096 + Int.random(in: 0..<1200, using: &random)] = .random(in: 0...255)
      }
      bytes.store(2, at: CounterPageField.epoch.rawValue)
      let path = directory.file("page\(attempt)")
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        let snapshot = try CounterPageReader(path: path).snapshot()
        #expect(snapshot.slots.count == snapshot.description.slots.count)
      } catch { #expect(error.subject == path) }
    }
  }

  @Test func `Counters of another version are read by the names that it gives them`() throws {
    var bytes = try examplePageBytes()
    let names = #""worker":{},"queue":{"received_packets":1,"invented":0},"drops":{"later_reason":0}"#
    Damage("", description: described(names: names)).change(&bytes)
    let slots = try CounterPageLayout(workers: 2, slots: 3, descriptionBytes: 0).slotOffset
    bytes.store(7, at: slots)
    bytes.store(8, at: slots + 8)
    bytes.store(9, at: slots + 512)
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let slot = try CounterPageReader(path: path).snapshot().slots[0]
    #expect(slot.counters == ["received_packets": 8, "invented": 7])
    #expect(slot[.receivedPackets] == 8)
    #expect(slot[.forwardedPackets] == 0)
    #expect(slot.drops == ["later_reason": 9])
  }

  @Test func `A file that is cut short while it is read is an error`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    try Data(try examplePageBytes()).write(to: URL(fileURLWithPath: path))
    let reader = try CounterPageReader(path: path)
    try #require(FileHandle(forWritingAtPath: path)).truncate(atOffset: 100)
    let error = #expect(throws: XSKError.self) { try reader.snapshot() }
    #expect(error?.problem.contains("was cut short to 100 bytes") == true)
  }

  /// Cuts a file short and writes it again, over and over, on a thread of its own: those of tasks may all be taken.
  private final class Cutter: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)

    init(_ path: String, _ bytes: [UInt8]) throws {
      try SystemThread.start("test-cutter") { [self] in
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        while !isOver.load(ordering: .acquiring) {
          ftruncate(file, .random(in: 0..<8192))
          // Reads the array's bytes.
          _ = unsafe pwrite(file, bytes, bytes.count, 0)
        }
        close(file)
        hasEnded.store(true, ordering: .releasing)
      }
    }

    func stop() {
      isOver.store(true, ordering: .releasing)
      while !hasEnded.load(ordering: .acquiring) { usleep(1000) }
    }
  }

  @Test func `A file that is cut short and grows again all the time ends no reader`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let bytes = try examplePageBytes()
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let reader = try CounterPageReader(path: path)
    let cutter = try Cutter(path, bytes)
    var (good, bad) = (0, 0)
    while good < 20 || bad < 200 {
      do throws(XSKError) {
        #expect(try reader.snapshot().slots.count == 3)
        good += 1
      } catch {
        #expect(error.subject == path)
        bad += 1
      }
    }
    cutter.stop()
  }

  @Test func `A missing file, a link, a directory and a FIFO are refused by name`() throws {
    let directory = try TemporaryDirectory()
    let link = directory.file("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/etc/passwd")
    let fifo = directory.file("fifo")
    _ = try run("/usr/bin/mkfifo", fifo)
    for path in [directory.file("none"), link, directory.path, fifo] {
      let error = #expect(throws: XSKError.self) { try CounterPageReader(path: path) }
      #expect(error?.subject == path)
    }
  }

  @Test func `A page of somebody else is read only on request`() throws {
    try #require(geteuid() == 0, "needs root to give a file away")
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    try Data(try examplePageBytes()).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.ownerAccountID: 12345], ofItemAtPath: path)
    let error = #expect(throws: XSKError.self) { try CounterPageReader(path: path) }
    #expect(error?.problem == "belongs to user 12345, neither root nor this user")
    #expect(try CounterPageReader(path: path, trustingAnyOwner: true).snapshot().slots.count == 3)
  }

  @Test func `A description that is being rewritten is awaited`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    // On a busy machine the writer may come after the reader's patience is over: both have another try then.
    let isAwaited = try (UInt64(1)...50).contains { round in
      page.memory[.epoch] = round * 2 + 1
      let read: Result<UInt64, XSKError> = try SystemThread.run("test-reader") {
        Result { () throws(XSKError) in try page.snapshot().epoch }
      } beside: {
        usleep(10_000)
        page.memory[.epoch] = round * 2 + 2
      }
      guard case .success(let epoch) = read else { return false }
      #expect(epoch == round * 2 + 2)
      return true
    }
    #expect(isAwaited)
  }

  @Test func `A description that stays in rewriting is an error`() throws {
    let page = try CounterPage(inMemory: exampleDescription, workers: 2)
    page.memory[.epoch] = 3
    let error = #expect(throws: XSKError.self) { try page.snapshot() }
    #expect(error?.problem == "its description is being rewritten all the time (epoch 3)")
  }

  /// nil: on a busy machine a reader may find the page in rewriting every time it looks; it says so, and may try again.
  private static func snapshot(_ reader: CounterPageReader) throws(XSKError) -> CounterSnapshot? {
    do throws(XSKError) { return try reader.snapshot() } catch {
      guard error.problem.hasPrefix("its description is being rewritten all the time") else { throw error }
      return nil
    }
  }

  /// Rewrites a page's description over and over, on a thread of its own as `Cutter`.
  private final class Rewriter: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let rewrites = Atomic<UInt64>(0)
    private let hasEnded = Atomic<Bool>(false)

    init(_ page: CounterPage) throws {
      try SystemThread.start("test-rewriter") { [self] in
        while !isOver.load(ordering: .acquiring) {
          let letter = rewrites.load(ordering: .relaxed) % 2 == 0 ? "a" : "b"
          let length = 500 + Int(rewrites.load(ordering: .relaxed) % 3)
          // A page that can't be rewritten is seen by its epoch.
          try? page.describe { $0.command = String(repeating: letter, count: length) }
          rewrites.add(1, ordering: .relaxed)
          usleep(100)
        }
        hasEnded.store(true, ordering: .releasing)
      }
    }

    /// - Returns: how often it rewrote.
    func stop() -> UInt64 {
      isOver.store(true, ordering: .releasing)
      while !hasEnded.load(ordering: .acquiring) { usleep(1000) }
      return rewrites.load(ordering: .relaxed)
    }
  }

  @Test func `A reader never sees half of a rewritten description`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("page")
    let page = try CounterPage(exampleDescription, workers: 2, path: path)
    let rewriter = try Rewriter(page)
    defer { _ = rewriter.stop() }
    let reader = try CounterPageReader(path: path)
    var epochs: Set<UInt64> = []
    let end = ContinuousClock.now + .seconds(60)
    while epochs.count < 50, ContinuousClock.now < end {
      guard let snapshot = try Self.snapshot(reader) else { continue }
      #expect(Set(snapshot.description.command).count == 1 || snapshot.epoch == 2)
      #expect(snapshot.epoch % 2 == 0)
      epochs.insert(snapshot.epoch)
    }
    #expect(epochs.count == 50)
    let rewrites = rewriter.stop()
    #expect(try reader.snapshot().epoch == 2 + 2 * rewrites)
  }
}
