import CXsk
import Foundation
import Glibc
import Operations
import PacketSamples
import Reporting
import Testing
import XSKEngine
import XSKLab

extension OnVeth {
  @Suite("Capturing packets of a running xskfwd") struct Capturing {
    @Test("--drops has the dropped packets with their reasons, and tcpdump opens it")
    func drops() throws {
      let run = try CapturedRun(rightMTU: 1000)
      let capture = try run.start("--drops", "--count", "10")
      for number in 0..<10 {
        try run.left.send(NumberedFrame.make(number, size: 100))
        try run.left.send(NumberedFrame.make(100 + number, size: 1200 + number))
      }
      #expect(try capture.process.wait() == .exited(0), "\(capture.process.errors)")
      #expect(capture.process.errors.contains("10 packets written to \(capture.path), 0 lost"))
      let file = try capture.file()
      #expect(file.packets.map(\.bytes) == (0..<10).map { NumberedFrame.make(100 + $0, size: 1200 + $0) })
      for packet in file.packets {
        #expect(packet.comments == ["dropped: exceeds_mtu (to m1)"])
        #expect(file.interfaces[packet.interface].name == "m0" && packet.queue == 0 && packet.direction == 1)
        // Unix time, roughly: this is no other decade.
        #expect(packet.time / 1_000_000_000 > 1_600_000_000)
      }
      #expect(file.interfaces.map(\.name) == ["m0", "m1"] && file.application.hasPrefix("xskfwd "))
      #expect(file.statistics.map(\.written) == [10, 0] && file.statistics.map(\.lost) == [0, 0])
      #expect(try capture.tcpdump() == 10)
      try run.stop()
    }

    @Test("--filter finds the few among many, one way and the other, and says where they went")
    func filter() throws {
      let run = try CapturedRun()
      let capture = try run.start("--filter", "udp port 5353 and len > 90")
      // Both directions, and other traffic between.
      for number in 0..<50 {
        try run.left.send(CapturedRun.datagram(number, port: number % 10 == 0 ? 5353 : 5000))
        try run.right.send(CapturedRun.datagram(number, port: number % 25 == 0 ? 5353 : 53))
        if number % 10 == 5 { #expect(try Ping.run(from: run.lab.left, to: "10.7.0.2", count: 1).isComplete) }
      }
      #expect(try eventually { try capture.packetCount() == 7 })
      capture.process.signal(SIGINT)
      #expect(try capture.process.wait() == .exited(0), "\(capture.process.errors)")
      #expect(capture.process.errors.contains("7 packets written to"))
      let file = try capture.file()
      let fromLeft = file.packets.filter { $0.interface == 0 }
      #expect(fromLeft.count == 5 && fromLeft.allSatisfy { $0.comments == ["forwarded to m1"] })
      let fromRight = file.packets.filter { $0.interface == 1 }
      #expect(fromRight.count == 2 && fromRight.allSatisfy { $0.comments == ["forwarded to m0"] })
      #expect(file.statistics.count == 2)
      #expect(try capture.tcpdump("udp", "port", "5353") == 7)
      try run.stop()
    }

    @Test("a pipe to tcpdump shows packets while they come, and its end ends the capture")
    func pipe() throws {
      let run = try CapturedRun()
      let command =
        "\(BuiltPrograms.xskfwd) capture --control \(run.run.control) --filter 'udp port 9999' --write - "
        + "| tcpdump -nn -U -l -c 4 -r -"
      let shell = try run.lab.left.start(["sh", "-c", command])
      try run.waitUntilCapturing(shell)
      for number in 0..<200 where shell.isRunning {
        try run.left.send(CapturedRun.datagram(number, port: 9999))
        usleep(10_000)
      }
      #expect(try shell.wait() == .exited(0), "\(shell.errors)")
      #expect(shell.output.split(separator: "\n").count { $0.contains(".9999: UDP") } == 4, "\(shell.output)")
      // The capture's place is free again.
      #expect(try run.xskfwd("--count", "1", "--duration", "0.1", "--write", "/dev/null").succeeded)
      try run.stop()
    }

    @Test("a client that never reads stalls nobody; a second one is refused until the first is gone, however it goes")
    func greedy() throws {
      let run = try CapturedRun()
      let path = run.run.control
      let silent = unsafe cxsk_unix_connect(path, path.utf8.count, 5000)
      try #require(silent >= 0)
      let request = "POST /v1/capture HTTP/1.1\r\n\r\n"
      // Safe: the text's own bytes.
      try #require(unsafe send(silent, request, request.utf8.count, CInt(MSG_NOSIGNAL)) == request.utf8.count)
      #expect(eventually { (try? run.xskfwd("--duration", "0.1", "--write", "/dev/null").status) == .exited(2) })
      // 30,000 are more than ring, socket and server have room for together; a busy machine loses some of the rest.
      let before = try run.run.counters().totals.packets.received
      let flood = try LiveFrameGenerator(
        in: run.lab.left, device: "l0",
        .init(
          frame: CapturedRun.datagram(1, port: 9, size: 1000), packets: 100_000, duration: .seconds(30), rate: 50_000))
      #expect(try Ping.run(from: run.lab.left, to: "10.7.0.2", count: 20).received >= 10)
      let report = try flood.wait()
      #expect(report.packets == 100_000)
      #expect(
        try eventually {
          let packets = try run.run.counters().totals.packets
          return packets.received >= before + 30_000
            && packets.received == packets.forwarded + packets.dropped.values.reduce(0, +)
        })
      // What is left of the flood may fill a ring for a moment yet.
      let isWell = try eventually {
        try Ping.run(from: run.lab.left, to: "10.7.0.2", count: 10, timeout: .seconds(1)).isComplete
      }
      #expect(isWell)
      let second = try run.xskfwd("--write", "/tmp/xsk-never-\(getpid())")
      #expect(second.status == .exited(2) && second.errors.contains("capture: another one is running"), "\(second)")
      #expect(unsafe access("/tmp/xsk-never-\(getpid())", F_OK) != 0, "nothing is left of the attempt")
      close(silent)
      let third = try run.start("--drops")
      third.process.kill()
      #expect(eventually { (try? run.xskfwd("--duration", "0.1", "--write", "/dev/null").succeeded) ?? false })
      try run.stop()
    }

    @Test("losses are counted in the file's statistics and with the packets around them")
    func losses() throws {
      let run = try CapturedRun()
      let shell = try run.lab.left.start([
        "sh", "-c",
        // Reads nothing until it may.
        "\(BuiltPrograms.xskfwd) capture --control \(run.run.control) --port m0 --write - "
          + "| (read -r go < \(run.gate); cat > \(run.gate).out)",
      ])
      try run.waitUntilCapturing(shell)
      let before = try run.received()
      let flood = try LiveFrameGenerator(
        in: run.lab.left, device: "l0",
        .init(
          frame: CapturedRun.datagram(1, port: 9, size: 1400), packets: 60_000, duration: .seconds(30), rate: 30_000))
      _ = try flood.wait()
      let received = try run.received() - before
      try run.open()
      try run.stop()
      #expect(try shell.wait() == .exited(0), "\(shell.errors)")
      let file = try PcapngFile([UInt8](Data(contentsOf: URL(fileURLWithPath: run.gate + ".out"))))
      let statistics = try #require(file.statistics.first)
      #expect(statistics.lost > 0 && statistics.written == UInt64(file.packets.count { $0.interface == 0 }))
      #expect(statistics.accepted == statistics.lost + statistics.written && statistics.accepted >= received)
      // What was lost behind the last packet nobody could be told with.
      #expect(file.packets.reduce(0) { $0 + $1.lost } <= statistics.lost)
    }

    @Test("the end of xskfwd ends the capture whole; killed, what was captured is kept and the status says so")
    func ends() throws {
      for isKilled in [false, true] {
        let run = try CapturedRun()
        let capture = try run.start("--port", "m0")
        for number in 0..<5 { try run.left.send(CapturedRun.datagram(number, port: 7000)) }
        #expect(try eventually { try capture.packetCount() >= 5 })
        if isKilled { run.run.process.kill() } else { try run.stop() }
        #expect(
          try capture.process.wait() == .exited(isKilled ? 1 : 0), "\(capture.process.errors)")
        let file = try capture.file()
        #expect(file.packets.count >= 5 && file.statistics.isEmpty == isKilled)
        if isKilled { #expect(capture.process.errors.contains("xskfwd ended before it did")) }
      }
    }

    @Test("one in so many, snap length and duration")
    func sampled() throws {
      let run = try CapturedRun()
      let capture = try run.start("--one-in", "4", "--snaplen", "20", "--port", "m0", "--duration", "4")
      for number in 0..<2000 { try run.left.send(CapturedRun.datagram(number, port: 7000)) }
      #expect(try capture.process.wait() == .exited(0))
      let file = try capture.file()
      // 500 of 2,000 expected; seven standard deviations, and some of the stacks' own packets.
      #expect((365...640).contains(file.packets.count), "\(file.packets.count)")
      #expect(file.packets.allSatisfy { $0.bytes.count == 20 && $0.length > 20 })
      try run.stop()
    }
  }
}
