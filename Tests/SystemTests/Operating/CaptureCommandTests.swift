import Foundation
import Glibc
import Operations
import PacketSamples
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  @Suite("Capturing from every command, by rules, and mistakes") struct CapturingCommands {
    @Test("drop and reflect", arguments: [("drop", "dropped: policy"), ("reflect", "reflected")])
    func simple(command: String, comment: String) throws {
      let lab = try ForwardLab()
      let control = OperatedRun.freshPath
      let process = try lab.middle.start([BuiltPrograms.xskfwd, command, "m0", "--control", control, "--json"])
      try #require(eventually { ControlClient(path: control).isAnswered }, "\(process.errors)")
      let source = try PacketSocket(in: lab.left, device: "l0")
      let file = try Self.capture(control, ["--count", "20", "--filter", "ether proto 0x88b5"], in: lab.left) {
        number in
        try source.send(NumberedFrame.make(number))
      }
      #expect(file.packets.count == 20 && file.packets.allSatisfy { $0.comments == [comment] })
      _ = try process.terminate()
    }

    @Test("host: packets that are delivered, and those of its own stack, which come in on the TAP device's port")
    func host() throws {
      let lab = try HostLab()
      let control = OperatedRun.freshPath
      let child = try lab.host.start([BuiltPrograms.xskfwd, "host", "h0", "--tap", "tap0", "--control", control])
      try #require(child.waitForOutput("running"), "\(child.output) \(child.errors)")
      try lab.giveAddresses()
      #expect(try lab.isPassing())
      let file = try Self.capture(control, ["--count", "20", "--filter", "icmp"], in: lab.left) { _ in
        _ = try Ping.run(from: lab.left, to: "10.7.0.2", count: 1)
      }
      #expect(file.interfaces.map(\.name) == ["h0", "tap0"])
      let (fromLeft, fromHost) = (file.packets.filter { $0.interface == 0 }, file.packets.filter { $0.interface == 1 })
      #expect(!fromLeft.isEmpty && fromLeft.allSatisfy { $0.comments == ["delivered"] })
      #expect(!fromHost.isEmpty && fromHost.allSatisfy { $0.comments == ["forwarded to h0"] })
      _ = try child.terminate()
    }

    /// Notes rule 0 of odd frames, which it drops, and rule 1 of the others; samples every fifth by rule 2.
    struct Ruled: PacketHandler {
      static func number(_ burst: borrowing Burst, _ index: Int) -> UInt8 {
        let bytes = burst.bytes(index)
        // Any bit pattern is a byte.
        return bytes.byteCount > 15 ? unsafe bytes.unsafeLoad(fromByteOffset: 15, as: UInt8.self) : 0
      }

      mutating func handle(_ burst: inout Burst) {
        let isCapturing = burst.isCapturing
        for index in 0..<burst.count {
          let number = Self.number(burst, index)
          burst[verdict: index] = number % 2 == 1 ? .drop(.policy) : .forward(to: burst.port ^ 1)
          guard isCapturing else { continue }
          burst.note(rule: number % 2 == 1 ? 0 : 1, at: index)
          if number % 5 == 0 { burst.sample(index, rule: 2) }
        }
      }
    }

    @Test("rules are named, and chosen by")
    func rules() throws {
      let lab = try ForwardLab()
      let configuration = lab.configuration
      let engine = try lab.middle.run { try Engine.start(configuration) { _ in Ruled() } }
      let control = OperatedRun.freshPath
      let service = try OperatorService.start(
        engine, control: .path(control), metrics: nil, rules: { ["odd", "even", "fifth"] }, requestStop: {})
      let source = try PacketSocket(in: lab.left, device: "l0")
      func captured(_ options: String...) throws -> PcapngFile {
        let filter = ["--filter", "ether proto 0x88b5", "--count", "40", "--port", "m0"]
        return try Self.capture(control, filter + options, in: lab.left) { number in
          try source.send(NumberedFrame.make(number % 256))
        }
      }
      func number(_ packet: PcapngFile.Packet) -> UInt8 { packet.bytes[15] }
      func expected(_ number: UInt8) -> [String] {
        [number % 2 == 1 ? "dropped: policy" : "forwarded to m1", number % 2 == 1 ? "rule odd" : "rule even"]
          + (number % 5 == 0 ? ["sampled by rule fifth"] : [])
      }
      for (options, isTaken) in [
        ([], { _ in true }), (["--rule", "odd"], { $0 % 2 == 1 }), (["--rule", "fifth"], { $0 % 5 == 0 }),
        (["--samples"], { $0 % 5 == 0 }), (["--samples", "--drops"], { $0 % 10 == 5 }),
      ] as [([String], (UInt8) -> Bool)] {
        let file = try captured(options.first ?? "--one-in=1", options.count > 1 ? options[1] : "--snaplen=64")
        #expect(file.packets.count == 40)
        for packet in file.packets {
          #expect(isTaken(number(packet)) && packet.comments == expected(number(packet)), "\(options)")
        }
      }
      service.stop()
      engine.finish()
    }

    /// `xskfwd capture` with these options, while `send` is called with 0, 1, … until it has ended.
    static func capture(
      _ control: String, _ options: [String], in namespace: NetworkNamespace, send: (Int) throws -> Void
    ) throws -> PcapngFile {
      let path = "/tmp/xsk-capture-\(getpid())-\(UInt32.random(in: .min ... .max))"
      defer { unsafe unlink(path) }
      let process = try namespace.start(
        [BuiltPrograms.xskfwd, "capture", "--control", control, "--write", path] + options)
      for number in 0..<20_000 {
        guard process.isRunning else { break }
        try send(number)
        usleep(500)
      }
      try #require(try process.wait() == .exited(0), "\(process.errors)")
      return try PcapngFile([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    }

    @Test("what is wrong is said in a sentence, with status 2, and no file is touched")
    func mistakes() throws {
      let run = try CapturedRun()
      let keep = "/tmp/xsk-keep-\(getpid())-\(UInt32.random(in: .min ... .max))"
      try Data("precious".utf8).write(to: URL(fileURLWithPath: keep))
      defer { unsafe unlink(keep) }
      let table: [([String], String)] = [
        (["--port", "m7"], "port m7: no such port; choose one of m0, m1"),
        (["--reason", "bad"], "reason bad: no such reason; choose one of"),
        (["--reason", "a,b"], "--reason 'a,b': is no name of a reason"),
        (["--queue", "5"], "queue 5: no port has it"), (["--queue", "70000"], "--queue 70000: out of range"),
        (["--rule", "web"], "rule web: no such rule is loaded"),
        (["--filter", "tcp prt 80"], "filter 'tcp prt 80': is not understood"),
        (["--snaplen", "0"], "--snaplen 0: out of range"), (["--count", "0"], "--count 0: out of range"),
        (["--one-in", "0"], "--one-in 0: out of range"), (["--duration", "0.01"], "--duration 0.01: out of range"),
      ]
      for (options, expected) in table {
        let result = try run.xskfwd(options + ["--write", keep])
        #expect(result.status == .exited(2) && result.errors.contains(expected), "\(result)")
      }
      let directory = try run.xskfwd("--write", "/tmp")
      #expect(directory.status == .exited(2) && directory.errors.contains("/tmp: can't be written"), "\(directory)")
      #expect(try String(contentsOfFile: keep, encoding: .utf8) == "precious")
      try run.stop()
      let gone = try run.xskfwd("--write", keep)
      #expect(gone.status == .exited(2) && gone.errors.contains("no xskfwd listens there"), "\(gone)")
      #expect(try String(contentsOfFile: keep, encoding: .utf8) == "precious")
    }
  }
}
