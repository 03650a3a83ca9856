import Foundation
import Glibc
import Synchronization
import Testing

@testable import XSKEngine
@testable import XSKLab

extension OnVeth {
  /// Policies changed as they run.
  @Suite("Reload") struct Reloads {
    /// Rules that mean the same in any of their forms: port 9 passes, port 10 doesn't, and others that nothing matches.
    static func policy(_ form: Int) -> String {
      let others = (0..<60 * (form % 3)).map {
        "{name: other-\(form)-\($0), match: {saddr: 203.0.113.\($0)}, then: {drop: other}}"
      }
      let wanted = "{name: wanted, match: {protocol: udp, dport: 9}, then: [{count: wanted}, {forward: wan}]}"
      let unwanted = "{name: unwanted, match: {protocol: udp, dport: 10}, then: {drop: unwanted}}"
      let pair = form.isMultiple(of: 2) ? [wanted, unwanted] : [unwanted, wanted]
      return RoutedLab.bridging(others + pair, "limiters:\n  unused-\(form % 5): {rate: 1 kpps, per: source}\n")
    }

    @Test func `reloading every 100 ms for 20 s under load loses nothing, and misjudges nothing`() throws {
      let lab = try RoutedLab(hasRouter: false)
      let run = try PolicyProcess(in: lab.middle, Self.policy(0))
      // A neighbour on the same wire, whom the left host knows: the policy lets no ARP through.
      try lab.right.addAddress("10.1.0.20/24", to: "r0")
      try lab.left.addNeighbour("10.1.0.20", at: RoutedLab.rightMAC, on: "l0")
      let wanted = try Datagrams(from: lab.left, to: lab.right, address: "10.1.0.20", port: 9)
      let unwanted = try Datagrams(from: lab.left, to: lab.right, address: "10.1.0.20", port: 10)
      let end = ContinuousClock.now + .seconds(20)
      let sent = Mutex<Int?>(nil)
      let sender = Sender(wanted, unwanted)
      try SystemThread.start("test-sender") {
        let count = sender.send(until: end)
        sent.withLock { $0 = count }
      }
      var reloads = 0
      while ContinuousClock.now < end {
        reloads += 1
        #expect(try run.reloadAtOnce(Self.policy(reloads)), "\(run.process.errors)")
        usleep(100_000)
      }
      #expect(eventually { sent.withLock { $0 != nil } })
      let count = try #require(sent.withLock { $0 })
      // A busy machine may take longer for some; they are never few.
      #expect(reloads >= 20 && count > 1_000)
      #expect(try eventually { try run.packets("wanted") == UInt64(count) && run.packets("unwanted") == UInt64(count) })
      #expect(wanted.receive() == (0..<count).map(Sender.bytes), "whole and in order")
      #expect(unwanted.receive() == [])
      let counts = try run.counts()
      #expect(counts.generation == UInt64(reloads) + 1)
      #expect(counts.counters.first { $0.name == "wanted" }?.packets == UInt64(count))
      let summary = try run.stop()
      #expect(summary.packets.dropped["unwanted"] == UInt64(count))
    }

    @Test func `a bad file changes nothing, whoever asks for it, and the command says why`() throws {
      let lab = try RoutedLab()
      let run = try PolicyProcess(
        in: lab.middle, RoutedLab.routing(["{name: udp, match: {protocol: udp}, then: route}"]))
      #expect(try lab.answers("10.2.0.20"))
      let bad = RoutedLab.routing(["{name: one, match: {dprot: 1}, then: route}", "{name: two, then: {drop: 3 4}}"])
      let refused = try run.reload(bad)
      #expect(refused.status == .exited(2))
      #expect(refused.errors.contains("rules.one.match.dprot: unknown key; did you mean \"dport\"?"), "\(refused)")
      #expect(refused.errors.contains("rules.two"), "all that is wrong is told: \(refused)")
      #expect(refused.errors.contains("not reloaded, nothing has changed"), "\(refused)")
      run.process.signal(SIGHUP)
      #expect(run.process.waitForOutput("not reloaded, nothing has changed"))
      #expect(try run.counts().generation == 1 && run.counts().rules.map(\.name) == ["udp"])
      #expect(try Ping.run(from: lab.left, to: "10.2.0.20", count: 5).isComplete)
      try run.write(RoutedLab.routing())
      run.process.signal(SIGHUP)
      #expect(try eventually { try run.counts().generation == 2 }, "\(run.process.errors)")
      try run.stop()
    }

    @Test(
      arguments: [
        ("lan: {device: m0", "lan: {device: m2", "ports: can't be changed while it runs"),
        ("version: 1", "version: 1\nengine: {batch: 32}", "engine: can't be changed while it runs"),
        ("version: 1", "version: 1\nmetadata: {write: rx-hash}", "metadata: can't be changed while it runs"),
        ("{device: m0", "{queues: 0, device: m0", "ports.lan.queues: can't be changed while it runs"),
        ("{device: m0", "{punt: off, device: m0", "ports.lan.punt: can't be changed while it runs"),
        ("{device: m0", "{tap: t0, device: m0", "ports.lan.tap: can't be changed while it runs"),
        ("default: route", "default: drop", "ports.lan.punt: \"auto\" means something else, now that no action is"),
      ])
    func `what can't change while it runs is named`(old: String, new: String, message: String) throws {
      let lab = try RoutedLab()
      let run = try PolicyProcess(in: lab.middle, RoutedLab.routing())
      let text = RoutedLab.routing()
      let range = try #require(text.range(of: old))
      let refused = try run.reload(text.replacingCharacters(in: range, with: new))
      #expect(refused.status == .exited(2) && refused.errors.contains(message), "\(refused)")
      #expect(refused.errors.contains("restart"), "\(refused)")
      #expect(try run.counts().generation == 1)
      try run.stop()
    }

    @Test func `a storm of wishes to reload does not keep it from stopping`() throws {
      let lab = try RoutedLab(isQuiet: true)
      let run = try PolicyProcess(in: lab.middle, RoutedLab.bridging([]))
      let process = run.process
      let storm = Storm()
      try SystemThread.start("test-storm") {
        while !storm.isOver.load(ordering: .acquiring) { process.signal(SIGHUP) }
        storm.hasEnded.store(true, ordering: .releasing)
      }
      #expect(process.waitForOutput("reloaded, policy 3"), "\(process.errors.suffix(500))")
      process.signal(SIGTERM)
      #expect(try process.wait() == .exited(0), "\(process.errors.suffix(500))")
      storm.isOver.store(true, ordering: .releasing)
      #expect(eventually { storm.hasEnded.load(ordering: .acquiring) })
    }

    private final class Storm: Sendable {
      let isOver = Atomic<Bool>(false)
      let hasEnded = Atomic<Bool>(false)
    }

    @Test func `a file that is gone changes nothing`() throws {
      let lab = try RoutedLab(isQuiet: true)
      let run = try PolicyProcess(in: lab.middle, RoutedLab.bridging([]))
      #expect(unsafe unlink(run.path) == 0)
      let refused = try run.namespace.run([BuiltPrograms.xskfwd, "reload", "--control", run.control])
      #expect(refused.status == .exited(2) && refused.errors.contains(run.path), "\(refused)")
      #expect(try run.counts().generation == 1)
      try run.stop()
    }

    @Test func `killed, it leaves nothing behind that keeps the next one from working at once`() throws {
      let lab = try RoutedLab()
      let text = RoutedLab.routing(["{name: all, then: route}"])
      var run = try PolicyProcess(in: lab.middle, text)
      for _ in 0..<3 {
        #expect(try lab.answers("10.2.0.20"))
        run.process.kill()
        try run.expectDetached()
        run = try PolicyProcess(in: lab.middle, text, control: run.control)
      }
      #expect(try lab.answers("10.2.0.20"))
      #expect(try run.packets("all") > 0)
      try run.stop()
    }

    /// Sends numbered datagrams, one that is wanted and one that isn't, at a rate that any machine has time for.
    struct Sender: @unchecked Sendable {
      // One thread has it at a time: the other waits for its end.
      let wanted: Datagrams
      let unwanted: Datagrams

      init(_ wanted: Datagrams, _ unwanted: Datagrams) { (self.wanted, self.unwanted) = (wanted, unwanted) }

      static func bytes(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

      /// - Returns: how many of each.
      func send(until end: ContinuousClock.Instant) -> Int {
        var count = 0
        while ContinuousClock.now < end {
          for _ in 0..<4 {
            guard wanted.send(Self.bytes(count)), unwanted.send(Self.bytes(count)) else { return count }
            count += 1
          }
          usleep(4_000)
        }
        return count
      }
    }
  }
}
