import Foundation
import Testing

@testable import XSKEngine

struct CounterInstancesTests {
  /// A page left behind in `directory` by `process`, with no lock on it.
  private func leave(_ process: ProcessIdentity, in directory: TemporaryDirectory) throws -> String {
    let path = directory.file("\(process.pid).counters")
    var bytes = try examplePageBytes()
    for (field, value) in [(CounterPageField.pid, UInt64(process.pid)), (.pidStart, process.start)] {
      for byte in 0..<8 { bytes[field.rawValue + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func `A process is alive until it ends, and a page of a dead one is removed`() throws {
    let directory = try TemporaryDirectory()
    let sleeper = Process()
    sleeper.executableURL = URL(fileURLWithPath: "/bin/sleep")
    sleeper.arguments = ["60"]
    try sleeper.run()
    let identity = try #require(ProcessIdentity(running: sleeper.processIdentifier))
    let path = try leave(identity, in: directory)
    let place = CounterPageDirectory(directory.path)
    #expect(CounterPageReader.runningInstances(in: place).map(\.process) == [identity])

    #expect(kill(sleeper.processIdentifier, SIGKILL) == 0)
    sleeper.waitUntilExit()
    #expect(!identity.isAlive)
    #expect(CounterPageReader.runningInstances(in: place).isEmpty)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `By default a page is in the standard directory, among the running instances`() throws {
    let page = try CounterPage(exampleDescription, workers: 2)
    let path = CounterPageDirectory.standard.file(of: getpid())
    #expect(page.path == path)
    #expect(CounterPageReader.runningInstances().filter { $0.path == path }.map(\.process) == [.current])
    page.close()
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `A number that was given to a later process is no sign of life`() throws {
    let directory = try TemporaryDirectory()
    let now = ProcessIdentity.current
    let path = try leave(ProcessIdentity(pid: now.pid, start: now.start - 1), in: directory)
    #expect(CounterPageReader.runningInstances(in: CounterPageDirectory(directory.path)).isEmpty)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `A locked page is alive though its number means nothing here`() throws {
    let directory = try TemporaryDirectory()
    let path = try leave(ProcessIdentity(pid: .max, start: 1), in: directory)
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    #expect(flock(file.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
    let place = CounterPageDirectory(directory.path)
    #expect(CounterPageReader.runningInstances(in: place).count == 1)
    try file.close()
    #expect(CounterPageReader.runningInstances(in: place).isEmpty)
  }

  @Test func `Files that aren't pages are left alone`() throws {
    let directory = try TemporaryDirectory()
    let names = ["1.counters", "notes", "x.counters", "007.counters", "-1.counters", "2.counters.2.new"]
    for name in names { try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory.file(name))) }
    #expect(CounterPageReader.runningInstances(in: CounterPageDirectory(directory.path)).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == names.sorted())
    #expect(CounterPageDirectory(directory.path).files().map(\.pid) == [1])
  }

  @Test(
    arguments: [
      (0, "/run/user/0", "/run/xskfwd"), (1000, "/run/user/1000", "/run/user/1000/xskfwd"),
      (1000, nil, "/tmp/xskfwd-1000"), (1000, "", "/tmp/xskfwd-1000"),
    ] as [(uid_t, String?, String)])
  func `Pages are where the user may write`(user: uid_t, runtime: String?, path: String) {
    #expect(CounterPageDirectory.standard(user: user, runtimeDirectory: runtime).path == path)
  }

  @Test func `A directory that others may write to is refused`() throws {
    let parent = try TemporaryDirectory()
    let place = CounterPageDirectory(parent.file("pages"))
    try place.create()
    try place.create()
    let mode = try FileManager.default.attributesOfItem(atPath: place.path)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o755)
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: place.path)
    #expect(throws: XSKError.self) { try place.create() }
  }

  @Test(
    arguments: [
      ("1 (a) S 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 987 23", 987),
      ("1 (a) b) (c ) S 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 987 23", 987),
      ("1 (a) S 2 3", nil), ("", nil),
    ] as [(String, UInt64?)])
  func `The start time is found behind any program name`(status: String, start: UInt64?) {
    #expect(ProcessIdentity.startTime(inStatus: status) == start)
  }
}
