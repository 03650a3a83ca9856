import Foundation
import Glibc
import Operations
import Testing
import XSKLab

extension OnVeth {
  @Suite("As a service") struct Service {
    @Test("READY, signs of life, STOPPING are told the service manager", arguments: [false, true])
    func notify(abstract: Bool) throws {
      let lab = try ForwardLab()
      // Abstract names belong to a network namespace.
      let manager = try lab.middle.run { try NotifySocket(abstract: abstract) }
      let run = try OperatedRun(lab, around: ["env", "NOTIFY_SOCKET=\(manager.name)", "WATCHDOG_USEC=400000"])
      var seen = [manager.next()]
      if seen[0] == "WATCHDOG=1" { seen.append(manager.next()) }
      #expect(seen.contains("READY=1\nMAINPID=\(run.process.pid)\nSTATUS=forward m0 m1"), "\(seen)")
      for _ in 0..<3 { #expect(manager.next() == "WATCHDOG=1") }
      run.process.signal(SIGTERM)
      var last = manager.next()
      for _ in 0..<50 where last == "WATCHDOG=1" { last = manager.next() }
      #expect(last == "STOPPING=1\nSTATUS=draining")
      #expect(try run.process.wait() == .exited(0))
    }

    @Test("with the unit's capabilities alone, and no new privileges, it starts, forwards, and reopens a lost port")
    func leastPrivilege() throws {
      let unit = try UnitFile("xskfwd@.service")
      #expect(try unit.capabilities().sorted() == ["bpf", "ipc_lock", "net_admin", "net_raw", "perfmon"])
      let run = try OperatedRun(around: try unit.privileges())
      #expect(try run.lab.isPassing())
      // What each thread may do: workers and the one that strangers talk to nothing, the others the unit's set.
      let threads = try Self.threads(of: run.process.pid)
      let mask: UInt64 = 1 << 12 | 1 << 13 | 1 << 14 | 1 << 38 | 1 << 39
      #expect(threads.contains { $0.name.hasPrefix("xsk-worker") && $0.capabilities == 0 }, "\(threads)")
      #expect(threads.contains { $0.name == "xsk-operate" && $0.capabilities == 0 }, "\(threads)")
      #expect(threads.contains { $0.name == "xsk-supervisor" && $0.capabilities == mask }, "\(threads)")
      try run.lab.middle.delete("m0")
      try #require(try eventually { try run.status().messages.contains { $0.contains("m0: link is gone") } })
      try run.lab.connectLeft()
      let isBack = try eventually {
        try run.status().messages.contains { $0.contains("m0 queue 0: back") }
      }
      let messages = try run.status().messages
      #expect(isBack, "\(messages)")
      #expect(try run.lab.isPassing())
      try run.stop()
    }

    /// A policy's XDP program looks into packets, which the verifier lets fewer do.
    @Test func `with the unit's capabilities alone a policy with punt, verdict offload and metadata is carried out`()
      throws
    {
      let lab = try ForwardLab()
      let run = try PolicyProcess(
        in: lab.middle,
        """
        version: 1
        metadata: {write: [vlan, flow-tag]}
        ports: {left: {device: m0}, right: {device: m1}}
        offload: {lifetime: 1 s}
        rules:
          - {name: bad, match: {iif: left, saddr: 10.7.0.99}, then: {drop: bad}, offload: source}
          - {name: out, match: {iif: left}, then: {forward: right}}
          - {name: in, match: {iif: right}, then: {forward: left}}
        """, around: try UnitFile("xskfwd@.service").privileges())
      #expect(try lab.isPassing())
      _ = try run.client.request("/v1/stop", method: "POST")
      #expect(try run.process.wait() == .exited(0), "\(run.process.errors)")
    }

    private static func threads(of pid: pid_t) throws -> [(name: String, capabilities: UInt64)] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").map { thread in
        let text = try String(contentsOfFile: "/proc/\(pid)/task/\(thread)/status", encoding: .utf8)
        func field(_ name: String) -> String {
          text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            .map { String($0.dropFirst(name.count + 1)).trimmingCharacters(in: .whitespaces) } ?? ""
        }
        return (field("Name"), UInt64(field("CapEff"), radix: 16) ?? .max)
      }
    }

    @Test("control traffic runs on no worker's CPU")
    func affinity() throws {
      let run = try OperatedRun(nil, ["--cores", "0", "--json"])
      // A thread gives itself its name: it may be on its way.
      var found: String?
      for _ in 0..<200 where found == nil {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(run.process.pid)/task").map {
          try String(contentsOfFile: "/proc/\(run.process.pid)/task/\($0)/status", encoding: .utf8)
        }
        found = threads.first { $0.contains("xsk-operate") }
        if found == nil { usleep(50_000) }
      }
      let operate = try #require(found)
      let list = try #require(operate.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
      #expect(list.split(separator: "\t").last?.split(whereSeparator: { ",-".contains($0) }).first != "0", "\(list)")
      try run.stop()
    }
  }
}
