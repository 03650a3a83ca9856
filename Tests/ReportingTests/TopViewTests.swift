import Foundation
import Testing
import XSKEngine

@testable import Reporting

struct TopViewTests {
  private let directory: URL
  private let place: CounterPageDirectory

  init() throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "xsk-top-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    place = CounterPageDirectory(directory.path)
  }

  /// Makes a page, runs `body` on it, and removes everything.
  private func withPage(_ description: CounterDescription = drop, _ body: (CounterPage) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let page = try CounterPage(description, workers: 1, path: place.file(of: getpid()))
    try body(page)
    page.close()
  }

  @Test func `The only engine that runs is chosen`() throws {
    try withPage { page in
      for pid in [nil, getpid()] {
        let snapshot = try TopView.open(pid: pid, in: place).snapshot()
        #expect(snapshot.description == drop)
      }
      let error = #expect(throws: XSKError.self) { try TopView.open(pid: 1, in: place) }
      #expect(error?.description == "process 1: not a running xskfwd; name one of these: \(getpid()) (drop veth0)")
    }
  }

  @Test func `Where none runs, that is said`() throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let error = #expect(throws: XSKError.self) { try TopView.open(pid: nil, in: place) }
    #expect(error?.problem == "no xskfwd is running that this user can see")
  }

  @Test func `Among several, the process number decides`() throws {
    let running = [InstanceChoice(pid: 10, command: "drop a"), InstanceChoice(pid: 20, command: "drop b")]
    #expect(try InstanceChoice.index(in: running, pid: 20) == 1)
    let error = #expect(throws: XSKError.self) { try InstanceChoice.index(in: running, pid: nil) }
    #expect(
      error?.description
        == "xskfwd top: 2 are running: 10 (drop a), 20 (drop b); name one by its process number")
  }

  @Test func `Once shows one interval and ends`() throws {
    try withPage { page in
      var waits: [Double] = []
      var output = ""
      page.state = .running
      try TopView(interval: 0.25, once: true, clearsScreen: true, utcOffset: 0).run(
        TopView.open(pid: nil, in: place),
        wait: { seconds in
          waits.append(seconds)
          page.queue(slot: 0).add(.receivedPackets, 1234)
          page.queue(slot: 0).drop(.policy, 1234)
          return true
        }, write: { output += $0 })
      #expect(waits == [0.25])
      let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines[0].hasPrefix("\u{1B}[H\u{1B}[2Jxskfwd 1.2.3   pid \(getpid())   drop veth0   running   up 00:00:0"))
      #expect(lines[1] == "packets: received 1,234   forwarded 0   delivered 0   held 0   dropped 1,234")
      #expect(lines[2] == "dropped: policy 1,234")
      #expect(lines[4] == RateView.header())
      #expect(lines[6].hasPrefix("  worker 0 cpu 3 "))
    }
  }

  @Test func `It ends when the engine has stopped, and shows the last interval`() throws {
    try withPage { page in
      var turn = 0
      var output: [String] = []
      try TopView().run(
        TopView.open(pid: nil, in: place),
        wait: { _ in
          turn += 1
          page.queue(slot: 0).add(.receivedPackets, 1)
          if turn == 3 { page.close() }
          return turn < 10
        }, write: { output.append($0) })
      #expect(output.count == 4)
      #expect(output[2].contains("received 3 "))
      #expect(output[3] == "xskfwd \(getpid()) has ended\n")
    }
  }

  @Test func `It ends when the wait is interrupted`() throws {
    try withPage { page in
      try TopView().run(
        TopView.open(pid: nil, in: place), wait: { _ in false }, write: { Issue.record("wrote \($0)") })
    }
  }

  @Test func `JSON is one object a line, with rates and totals`() throws {
    try withPage { page in
      page.queue(slot: 0).add(.receivedPackets, 100)
      var turn = 0
      var lines: [String] = []
      try TopView(json: true, clearsScreen: true).run(
        TopView.open(pid: nil, in: place),
        wait: { _ in
          turn += 1
          page.queue(slot: 0).add(.receivedPackets, 10)
          page.queue(slot: 0).drop(.policy, 10)
          return turn <= 2
        }, write: { lines.append($0) })
      #expect(lines.count == 2)
      for (index, line) in lines.enumerated() {
        #expect(line.filter { $0 == "\n" }.count == 1 && line.hasSuffix("}\n"))
        let report = try JSONDecoder().decode(TopReport.self, from: Data(line.utf8))
        #expect(report.pid == getpid())
        #expect(report.state == "starting")
        #expect(report.packets.received == UInt64(110 + 10 * index))
        #expect(report.rates.received > 0)
        #expect(report.rates.dropped.keys.sorted() == ["policy"])
        #expect(report.workers.map(\.cpu) == [3])
      }
    }
  }

  @Test func `The report has exactly its keys`() throws {
    let report = jsonLine(TopReport(from: snapshot(drop, at: 1), to: snapshot(drop, at: 2)))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any])
    #expect(
      object.keys.sorted() == [
        "bytes", "command", "frames", "interval_s", "kernel", "packets", "pid", "ports", "rates", "state", "syscalls",
        "tool", "uptime_s", "version", "workers",
      ])
    let rates = try #require(object["rates"] as? [String: Any])
    #expect(
      rates.keys.sorted() == [
        "bits", "delivered", "dropped", "forwarded", "poll", "received", "rx_kick", "tx_kick",
      ])
    #expect(object["uptime_s"] as? Double == 2)
    #expect(object["interval_s"] as? Double == 1)
  }
}
