import CXsk
import Foundation
import Glibc
import LocalHTTP
import MetricsParser
import Reporting
import Testing

@testable import Operations
@testable import XSKEngine

/// Two queues of one worker; the second port's name is as nasty as the kernel allows, and worse.
func snapshot(at seconds: Double, _ change: (inout CounterSnapshot) -> Void = { _ in }) -> CounterSnapshot {
  let nasty = "e\"\\\n{é"
  let time = UInt64(seconds * 1e9)
  var snapshot = CounterSnapshot(
    process: ProcessIdentity(pid: 4711, start: 9), state: .running, startedUnix: 1_700_000_000_500_000_000,
    startedMonotonic: 5_000, readUnix: 1_700_000_000_500_000_000 + time, readMonotonic: 5_000 + time,
    readTicks: 77 + time,
    description: CounterDescription(
      tool: "xskfwd", version: "1.2.3", command: "forward eth0 \(nasty)",
      ports: [
        .init(name: "eth0", device: "eth0", ifindex: 7, mode: "copy", queues: [0], link: "up"),
        .init(name: nasty, device: nasty, ifindex: 8, mode: "copy", queues: [3], link: "down"),
      ],
      slots: [.init(worker: 0, cpu: 3, port: 0, queue: 0), .init(worker: 0, cpu: 3, port: 1, queue: 3)]),
    workers: [.init()], slots: [.init(), .init()])
  change(&snapshot)
  return snapshot
}

@Suite("Metrics") struct MetricsTests {
  @Test func `they parse strictly, whatever names say, and carry the counters`() throws {
    let now = snapshot(at: 10) {
      $0.slots[0][.receivedPackets] = .max
      $0.slots[1][.receivedPackets] = 5
      $0.slots[1][.failure] = 19
      $0.slots[1][DropReason.policy] = 4
      $0.slots[1].drops["odd\"reason"] = 1
      $0.slots[0][.txKicks] = 7
      $0.workers[0][.busyTicks] = 3_000_000_000
      $0.workers[0].counters[TurnHistogram.name(0)] = 2
      $0.workers[0].counters[TurnHistogram.name(5)] = 3
      $0.workers[0].counters[TurnHistogram.name(TurnHistogram.count - 1)] = 1
    }
    let text = MetricsPage(
      snapshot: now, ports: [], messages: 3, cpu: CPUTimes(user: 1, system: 0.5), ticksPerSecond: 2e9
    ).text
    let page = try MetricsParser(text)
    let nasty = now.description.ports[1].name
    #expect(try page.value("xskfwd_received_packets_total", ["port": nasty, "queue": "3", "worker": "0"]) == 5)
    #expect(try page.value("xskfwd_received_packets_total", ["port": "eth0"]) == Double(UInt64.max))
    #expect(try page.value("xskfwd_dropped_packets_total", ["port": nasty, "reason": "policy"]) == 4)
    #expect(try page.value("xskfwd_dropped_packets_total", ["reason": "odd\"reason"]) == 1)
    #expect(try page.value("xskfwd_kicks_total", ["port": "eth0", "direction": "tx"]) == 7)
    #expect(try page.value("xskfwd_queue_up", ["port": nasty]) == 0)
    #expect(try page.value("xskfwd_queue_up", ["port": "eth0"]) == 1)
    #expect(try page.value("xskfwd_busy_seconds_total") == 1.5)
    #expect(try page.value("process_start_time_seconds") == 1_700_000_000.5)
    #expect(try page.value("process_cpu_seconds_total") == 1.5)
    #expect(try page.value("xskfwd_run_info", ["command": now.description.command]) == 1)
    #expect(try page.value("xskfwd_turn_duration_seconds_bucket", ["le": "6.4e-08"]) == 2)
    #expect(try page.value("xskfwd_turn_duration_seconds_bucket", ["le": "2.048e-06"]) == 5)
    #expect(try page.value("xskfwd_turn_duration_seconds_count") == 6)
  }

  @Test(
    "the parser that tests trust is strict",
    arguments: [
      "# HELP a_total x\n# TYPE a_total counter\na_total 1", "a_total 1\n", "# HELP a x\n# TYPE a counter\na 1\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n", "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"\\q\"} 1\n", "# HELP a x\n# TYPE a gauge\na NaN\n",
      "# HELP a x\n# TYPE a gauge\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"1} 1\n", "# HELP a x\n# TYPE a gauge\n\na 1\n", "# TYPE a gauge\na 1\n",
      "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
      "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
    ])
  func strict(_ text: String) {
    #expect(throws: MetricsParser.Fault.self) { try MetricsParser(text) }
  }
}

@Suite("Reports for people") struct ViewTests {
  @Test func `counters and drops get rates from two answers, gauges none`() {
    let old = snapshot(at: 10) { $0.slots[0][.receivedPackets] = 1000 }
    let new = snapshot(at: 12) {
      $0.slots[0][.receivedPackets] = 5000
      $0.slots[0][.fillFrames] = 9
      $0.slots[0][DropReason.policy] = 4000
    }
    let counters = CountersReport(new).text(since: CountersReport(old))
    #expect(counters.contains("eth0:0       0        fill_frames        9\n"), "\(counters)")
    #expect(counters.contains("received_packets   5,000   2,000"), "\(counters)")
    #expect(
      DropsReport(new).text(since: DropsReport(old)) == """
        received 5,000   dropped 4,000
        reason   packets   a second   came in on
        policy   4,000     2,000      eth0 4,000
        """)
    #expect(DropsReport(old).text() == "received 1,000   dropped 0\nnothing was dropped")
  }

  @Test func `counters add up over ports and totals`() {
    let report = CountersReport(
      snapshot(at: 1) {
        $0.slots[0][.receivedPackets] = 3
        $0.slots[1][.receivedPackets] = 4
        $0.slots[1][.failure] = 100
      })
    #expect(report.totals.packets.received == 7)
    #expect(report.ports["eth0"]?["received_packets"] == 3)
    #expect(report.ports.values.allSatisfy { $0["failure"] == nil })
  }

  @Test func `status shows what a terminal must not obey as question marks`() {
    let report = StatusReport(
      from: snapshot(at: 9), to: snapshot(at: 10), ports: [], messages: (["\u{1B}[2Jx"], 300))
    #expect(report.text().contains("forward eth0 e\"\\?{é"))
    #expect(report.text().hasSuffix("… 299 older messages\n?[2Jx"))
  }

  @Test func `empty spare ports are counted, and listed for whoever asks`() {
    func port(_ name: String, _ link: String) -> PortStatus {
      PortStatus(
        name: name, device: .none, mode: nil, queues: [0], link: link, isDrained: false,
        occupancy: link == "empty" ? .empty : .fixed)
    }
    let report = StatusReport(
      from: snapshot(at: 9), to: snapshot(at: 10),
      ports: [port("eth0", "up"), port("spare0", "empty"), port("spare1", "empty")], messages: ([], 0))
    let (short, long) = (report.text(), report.text(showsEmpty: true))
    #expect(short.contains("\neth0 ") && !short.contains("spare0"))
    #expect(short.contains("\nand 2 empty spare ports, which --all lists\n"))
    #expect(long.contains("\nspare0 ") && long.contains("\nspare1 ") && !long.contains("--all"))
  }

  @Test func `an answer is a report again, and what is cut short is none`() throws {
    let report = DropsReport(snapshot(at: 1) { $0.slots[0][DropReason.policy] = 3 })
    let answer = HTTPResponse.json(report).serialized(headOnly: false)
    let (status, body) = try #require(LocalRequest.parse(answer))
    #expect(status == 200)
    #expect(try JSONDecoder().decode(DropsReport.self, from: Data(body)) == report)
    #expect(LocalRequest.parse(answer.dropLast()) == nil)
    #expect(LocalRequest.parse(Array("SSH-2.0-x\r\n\r\n".utf8)) == nil)
  }
}

@Suite("The service manager") struct ServiceManagerTests {
  @Test(
    "the environment says whether anybody waits, and for what",
    arguments: [
      (nil, nil, nil, false, nil), ("vsock:2:1", nil, nil, false, nil), ("/run/n", nil, nil, true, nil),
      ("@n", "3000000", nil, true, 3), ("@n", "3000000", "5", true, 3), ("@n", "3000000", "6", true, nil),
      ("@n", "0", nil, true, nil), ("@n", "x", nil, true, nil),
    ] as [(String?, String?, String?, Bool, Double?)])
  func environment(_ socket: String?, _ watchdog: String?, _ pid: String?, _ isThere: Bool, _ seconds: Double?) {
    let manager = ServiceManager(socket: socket, watchdogMicroseconds: watchdog, watchdogPID: pid, pid: 5)
    #expect((manager != nil) == isThere)
    #expect(manager?.watchdog == seconds)
  }
}
