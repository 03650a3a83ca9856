import Foundation
import Glibc
import Operations
import PacketSamples
import Testing
import XSKLab

extension OnVeth {
  @Suite("System calls of a service") struct SystemCalls {
    /// What a `SystemCallFilter=` lets through, by the service manager's own word.
    static func allowed(_ filter: String) throws -> Set<String> {
      var (names, groups) = (Set<String>(), [String]())
      func add(_ word: Substring) {
        if word.hasPrefix("@") { groups.append(String(word)) } else { names.insert(String(word)) }
      }
      filter.split(separator: " ").forEach(add)
      var seen = Set<String>()
      while let group = groups.popLast() {
        guard seen.insert(group).inserted else { continue }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-analyze")
        process.arguments = ["syscall-filter", group]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(group)")
        for line in text.split(separator: "\n").dropFirst() {
          let word = line.drop { $0 == " " }
          if !word.isEmpty && !word.hasPrefix("#") { add(word) }
        }
      }
      return names
    }

    /// The names of the calls in a file of strace's.
    static func calls(_ path: String) throws -> Set<String> {
      Set(
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { line in
          // `PID name(…`; not `PID <... name resumed>`, `PID +++`, `PID ---`.
          let word = line.drop { $0.isNumber }.drop { $0 == " " }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
          return word.isEmpty ? nil : String(word)
        })
    }

    @Test func `the unit's filter has every call of a start, of traffic, of all that can be asked, and of a lost port`()
      throws
    {
      let allowed = try Self.allowed(try UnitFile("xskfwd@.service").value("SystemCallFilter"))
      #expect(allowed.contains("bpf") && allowed.contains("sendto"))
      #expect(!allowed.contains("mount") && !allowed.contains("ptrace") && !allowed.contains("init_module"))
      let lab = try ForwardLab()
      let folder = try ScratchFolder()
      let trace = folder.path + "/calls"
      func policy(_ reason: String) -> String {
        """
        version: 1
        engine: {idle: busy-poll}
        ports: {left: {device: m0, tap: t0}, right: {device: m1, punt: off}}
        offload: {lifetime: 1 s}
        rules:
          - {name: bad, match: {iif: left, saddr: 10.7.0.99}, then: {drop: \(reason)}, offload: source}
          - {name: routed, match: {daddr: 203.0.113.0/24}, then: route}
          - {name: out, match: {iif: left}, then: {forward: right}}
          - {name: in, match: {iif: right}, then: {forward: left}}
        routes: kernel
        """
      }
      let run = try PolicyProcess(
        in: lab.middle, policy("one"), around: ["strace", "-f", "-qq", "-e", "trace=all", "-o", trace],
        ["--metrics", "127.0.0.1:0"])
      #expect(try lab.isPassing())
      for question in [
        ["show", "drops"], ["show", "rules"], ["show", "routes"], ["show", "flows", "--duration", "0.1"],
      ] {
        let answer = try lab.middle.run([BuiltPrograms.xskfwd] + question + ["--control", run.control])
        #expect(answer.succeeded, "\(answer)")
      }
      let reload = try run.reload(policy("two"))
      #expect(reload.succeeded, "\(reload)")
      try lab.middle.delete("m1")
      func messages() throws -> [String] { try run.client.report("/v1/status", as: StatusReport.self).messages }
      try #require(try eventually { try messages().contains { $0.contains("m1: link is gone") } })
      try lab.connectRight()
      #expect(try eventually { try messages().contains { $0.contains("m1 queue 0: back") } })
      _ = try run.client.request("/v1/stop", method: "POST")
      #expect(try run.process.wait() == .exited(0), "\(run.process.errors)")
      let made = try Self.calls(trace)
      #expect(made.contains("bpf") && made.contains("sendto") && made.contains("execve"))
      // A sysfs of its own namespace, where it is started in another one than the machine's: needs CAP_SYS_ADMIN, which the
      // unit doesn't give, and is done without where it is refused.
      let dispensable: Set = ["fsopen", "fsconfig", "fsmount"]
      #expect(made.subtracting(allowed).subtracting(dispensable) == [], "refused by the unit")
    }
  }
}
