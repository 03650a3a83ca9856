import CXsk
import Foundation
import Glibc
import MetricsParser
import Operations
import Reporting
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  @Suite("Operating a running xskfwd") struct Operating {
    @Test("status and counters over the socket while traffic flows; stop ends with the summary")
    func status() throws {
      let run = try OperatedRun()
      #expect(try run.lab.isPassing())
      let transfer = try TCPTransfer.run(from: run.lab.left, to: run.lab.right, address: "10.7.0.2", bytes: 2_000_000)
      #expect(transfer.isIntact)
      let status = try run.status()
      #expect(status.pid == run.process.pid)
      #expect(status.state == "running")
      #expect(status.command == "forward m0 m1")
      #expect(status.ports.map(\.name) == ["m0", "m1"])
      #expect(status.ports.allSatisfy { $0.link == "up" && $0.mtu == 1500 && $0.mac.count == 17 && !$0.drained })
      #expect(status.workers.count == 1)
      // Everything has come to rest: sums are exact.
      #expect(
        try eventually {
          let packets = try run.counters().totals.packets
          return packets.received == packets.forwarded + packets.held + packets.dropped.values.reduce(0, +)
        })
      let counters = try run.counters()
      #expect(counters.totals.bytes.received > 2_000_000)
      #expect(counters.ports["m0"]?["received_packets"] ?? 0 > 0)
      #expect(
        counters.queues.reduce(0) { $0 + ($1.counters["received_packets"] ?? 0) } == counters.totals.packets.received)
      try run.stop()
      let summary = try JSONDecoder().decode(RunSummary.self, from: Data(run.process.output.utf8))
      #expect(summary.conservationHolds)
      #expect(summary.ledgerHolds)
      #expect(summary.packets.received >= counters.totals.packets.received)
    }

    @Test("the command line that is shown is the whole one, and a far end with offloads is told about")
    func introduced() throws {
      let lab = try ForwardLab()
      let changed = try lab.left.run(["ethtool", "-K", "l0", "tx", "on"])
      try #require(changed.succeeded, "\(changed.errors)")
      // The far end's namespace is found by a process that lives there.
      let resident = try lab.left.start(["sleep", "60"])
      defer { resident.signal(SIGKILL) }
      let run = try OperatedRun(lab, ["--gro", "chain", "--gro-hold", "50", "--json"])
      #expect(try run.status().command == "forward m0 m1 --gro chain --gro-hold 50")
      let errors = run.process.errors
      let line = errors.split(separator: "\n").first { $0.contains("on l0: m0 gets packets with unfinished checksums") }
      #expect(line?.contains("which go on as they came; ") == true, "\(errors)")
      let doctor = try lab.middle.run([BuiltPrograms.xskfwd, "doctor", "m0"])
      let remedy = "stop process \(run.process.pid) (xskfwd), which holds it by a BPF link"
      #expect(doctor.status == .exited(2) && doctor.output.contains(remedy), "\(doctor.output)")
      try run.stop()
    }

    @Test("the program's own commands: show, drain, resume, stop, for people and for programs")
    func commands() throws {
      let run = try OperatedRun()
      let text = try run.xskfwd("show", "status")
      #expect(text.succeeded && text.output.contains("forward m0 m1   running"), "\(text)")
      let json = try run.xskfwd("show", "status", "--json")
      #expect(try JSONDecoder().decode(StatusReport.self, from: Data(json.output.utf8)).pid == run.process.pid)
      #expect(try run.xskfwd("show", "counters").succeeded)
      let drops = try run.xskfwd("show", "drops", "--json")
      #expect(try JSONDecoder().decode(DropsReport.self, from: Data(drops.output.utf8)).dropped == 0)
      let unknown = try run.xskfwd("drain", "nope")
      #expect(
        unknown.status == .exited(2) && unknown.errors.contains("no such port; choose one of m0, m1"), "\(unknown)")
      #expect(try run.xskfwd("stop").succeeded)
      // It has waited for the end.
      #expect(try run.process.wait(timeout: .zero) == .exited(0))
      let gone = try run.xskfwd("show", "status")
      #expect(gone.status == .exited(2) && gone.errors.contains("no xskfwd listens there"), "\(gone)")
    }

    @Test("a drained port's packets go to the kernel's stack, also after its device came back; resumed, they are taken")
    func drain() throws {
      let lab = try ForwardLab()
      let engine = try lab.forward()
      let service = try OperatorService.start(
        engine, control: .path(OperatedRun.freshPath), metrics: nil, requestStop: {})
      let client = ControlClient(path: try #require(service.controlPath))
      let counters = CounterReader(engine)
      #expect(try lab.isPassing())
      _ = try client.request("/v1/drain?port=m0", method: "POST")
      #expect(eventually { engine.portStatus.map(\.isDrained) == [true, false] })
      let before = counters.get(.receivedPackets, slot: 0)
      let received = try NumberedFrame.receivedByStack(of: lab, count: 20)
      #expect(received >= 20)
      // None of them; a packet of the hosts' own may have been on its way when the port was drained.
      #expect(counters.get(.receivedPackets, slot: 0) < before + 20)
      try lab.left.delete("l0")
      try #require(engine.says("m0: link is gone"))
      try lab.connectLeft()
      try #require(engine.says("m0 queue 0: back"), "\(engine.messages)")
      let again = try NumberedFrame.receivedByStack(of: lab, count: 20)
      #expect(again >= 20)
      #expect(engine.portStatus.map(\.isDrained) == [true, false])
      _ = try client.request("/v1/resume", method: "POST")
      #expect(eventually { !engine.portStatus.contains(where: \.isDrained) })
      #expect(try lab.isPassing())
      service.stop()
      engine.finish()
    }

    @Test("metrics on a TCP port parse strictly and agree with the counters", arguments: ["0", "[::1]:0"])
    func metrics(_ endpoint: String) throws {
      let run = try OperatedRun(nil, ["--metrics", endpoint, "--json"])
      #expect(try run.lab.isPassing())
      #expect(try Ping.run(from: run.lab.left, to: "10.7.0.2", count: 20).received == 20)
      let url = try #require(run.process.errors.split(separator: " ").last { $0.hasPrefix("http://") })
      #expect(url.hasPrefix(endpoint == "0" ? "http://127.0.0.1:" : "http://[::1]:"))
      let page = try run.scrape(String(url).trimmingCharacters(in: .whitespacesAndNewlines))
      let counters = try run.counters()
      #expect(try page.value("xskfwd_port_up", ["port": "m0"]) == 1)
      let scraped = page.sum("xskfwd_received_packets_total")
      #expect(scraped >= 40 && scraped <= Double(counters.totals.packets.received))
      let turns = try page.value("xskfwd_turn_duration_seconds_count", ["worker": "0"])
      #expect(turns > 0)
      #expect(try page.value("xskfwd_turn_duration_seconds_sum") > 0)
      #expect(turns <= page.sum("xskfwd_turns_total"))
      #expect(page.sum("xskfwd_ledger_violations_total") == 0)
      // A packet of a stack's own may move between two gauges; when all is at rest they add up.
      let isLedgerExact = try eventually {
        let page = try run.scrape(String(url).trimmingCharacters(in: .whitespacesAndNewlines))
        let frames = page.sum("xskfwd_pool_frames") + page.sum("xskfwd_held_frames") + page.sum("xskfwd_queue_frames")
        return try page.value("xskfwd_umem_frames") == frames
      }
      #expect(isLedgerExact)
      try run.stop()
    }

    @Test("hostile clients by the hundred: every ping still passes, and the socket still answers")
    func hostile() throws {
      let run = try OperatedRun()
      #expect(try run.lab.isPassing())
      var crowd: [CInt] = []
      defer { for client in crowd { close(client) } }
      let noise = [
        "GET /v1/status HTTP/1.1\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET /" + String(repeating: "x", count: 60_000),
        "GET /metrics HTTP/1.1\r\n\r\n", "POST /v1/stop HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
      ]
      for number in 0..<500 {
        let client = unsafe cxsk_unix_connect(run.control, run.control.utf8.count, 5000)
        try #require(client >= 0)
        let text = noise[number % noise.count]
        // Safe: the text's own bytes. What is not taken is not missed.
        _ = unsafe send(client, text, text.utf8.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
        crowd.append(client)
      }
      let before = try run.counters().totals.packets.received
      #expect(try Ping.run(from: run.lab.left, to: "10.7.0.2", count: 50).received == 50)
      #expect(try run.counters().totals.packets.received >= before + 100)
      let worker = try #require(try run.status().workers.first)
      // Its housekeeping went on: at most a sleep of 0.1 s and what a busy machine adds.
      #expect(worker.silence < 5)
      try run.stop()
    }

    @Test("a killed run's socket is taken over; a live one's is not, and nothing is left of the attempt")
    func takeover() throws {
      let lab = try ForwardLab()
      let first = try OperatedRun(lab)
      first.process.kill()
      #expect(unsafe access(first.control, F_OK) == 0)
      let second = try OperatedRun(lab, control: first.control)
      let other = try ForwardLab()
      let third = try other.middle.run([BuiltPrograms.xskfwd, "drop", "m0", "--control", first.control])
      #expect(third.status == .exited(2) && third.errors.contains("another process listens there"), "\(third)")
      #expect(try !other.middle.run(["ip", "link", "show", "m0"]).output.contains("xdp"))
      #expect(try second.status().pid == second.process.pid)
      try second.stop()
    }

    @Test("other users are kept out by the file's mode, and served nothing where that was changed")
    func strangers() throws {
      let run = try OperatedRun()
      func ask() throws -> String {
        try run.lab.left.run(
          [
            "setpriv", "--reuid=65534", "--clear-groups", "curl", "--silent", "--output", "/dev/null", "--write-out",
            "%{http_code}", "--unix-socket", run.control, "--request", "POST", "http://xskfwd/v1/stop",
          ]
        ).output
      }
      #expect(try ask() == "000")
      #expect(unsafe chmod(run.control, 0o666) == 0)
      #expect(try ask() == "403")
      #expect(try run.status().state == "running")
      try run.stop()
    }

    @Test("a metrics address that can't be had ends the start, and nothing is left")
    func refusedMetrics() throws {
      let lab = try ForwardLab()
      let control = OperatedRun.freshPath
      let run = try lab.middle.run(
        [BuiltPrograms.xskfwd, "drop", "m0", "--metrics", "192.0.2.1:9100", "--control", control])
      #expect(
        run.status == .exited(2) && run.errors.contains("--metrics 192.0.2.1:9100: cannot be listened on"), "\(run)")
      #expect(unsafe access(control, F_OK) != 0)
      #expect(try !lab.middle.run(["ip", "link", "show", "m0"]).output.contains("xdp"))
    }
  }
}

extension OperatedRun {
  fileprivate func scrape(_ url: String) throws -> MetricsParser {
    let answer = try lab.middle.run(["curl", "--silent", "--show-error", "--fail", "--globoff", url])
    try #require(answer.succeeded, "\(answer.errors)")
    return try MetricsParser(answer.output)
  }
}

extension NumberedFrame {
  /// Sends frames to m0, and counts what an ordinary socket of its stack sees.
  fileprivate static func receivedByStack(of lab: ForwardLab, count: Int) throws -> Int {
    let stack = try PacketSocket(in: lab.middle, device: "m0")
    let source = try PacketSocket(in: lab.left, device: "l0")
    for number in 0..<count { try source.send(make(number)) }
    let wanted = Set(series(count))
    var seen = 0
    _ = try eventually {
      seen += try stack.receive(1, timeout: .milliseconds(200)).filter { wanted.contains($0) }.count
      return seen >= count
    }
    return seen
  }
}
