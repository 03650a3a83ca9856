import Glibc
import Testing

@testable import XSKEngine
@testable import XSKLab

extension OnVeth {
  /// `xskfwd run` as a router between two networks, with real stacks around it.
  @Suite("Two networks, routed") struct RoutedNetworks {
    /// A host's address by version, and the router's on the left.
    static let right = ["10.2.0.20", "2001:db8:2::20"]
    static let router = [false: "10.1.0.1", true: "2001:db8:1::1"]

    @Test func `ping, TCP and UDP go through by IPv4 and IPv6, and all packets are told of`() throws {
      let lab = try RoutedLab()
      let run = try PolicyProcess(in: lab.middle, RoutedLab.routing())
      for address in Self.right {
        #expect(try lab.answers(address))
        #expect(try Ping.run(from: lab.left, to: address, count: 10, payload: 1400).isComplete)
        let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: address, bytes: 3_000_000)
        #expect(transfer.isIntact)
        let datagrams = try Datagrams(from: lab.left, to: lab.right, address: address)
        let sent = (0..<100).map { number in (0..<200).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) } }
        for bytes in sent { #expect(datagrams.send(bytes)) }
        #expect(datagrams.receive() == sent)
      }
      for address in ["10.1.0.10", "2001:db8:1::10"] { #expect(try lab.answers(address, from: lab.right)) }
      // The router itself is the kernel's: asked for before any rule.
      for address in ["10.1.0.1", "2001:db8:1::1"] { #expect(try lab.answers(address)) }
      let summary = try run.stop()
      #expect(summary.bytes.forwarded > 6_000_000)
    }

    @Test(arguments: right)
    func `a probe at the end of its time is answered by the router's address, as traceroute wants it`(
      address: String
    ) throws {
      let lab = try RoutedLab()
      let run = try PolicyProcess(in: lab.middle, RoutedLab.routing())
      #expect(try lab.answers(address))
      let isIPv6 = address.contains(":")
      let probe = try Datagrams(from: lab.left, to: lab.right, address: address)
      let wire = try PacketSocket(in: lab.left, device: "l0")
      try probe.setTimeToLive(1)
      #expect(probe.send([1, 2, 3]))
      let answer = try #require(
        try wire.receive(1, timeout: .seconds(10)) { frame in
          frame.count >= 62 && (isIPv6 ? frame[20] == 58 && frame[54] == 3 : frame[23] == 1 && frame[34] == 11)
        }.first)
      let source = isIPv6 ? Array(answer[22..<38]) : Array(answer[26..<30])
      #expect(try source == IPBytes(try #require(Self.router[isIPv6])).bytes)
      // The probe's own ports are quoted, so the prober knows which of them it was.
      let quoted = isIPv6 ? 54 + 8 + 40 : 34 + 8 + 20
      #expect(Array(answer[quoted + 2..<quoted + 4]) == [UInt8(probe.port >> 8), UInt8(probe.port & 0xFF)])
      try probe.setTimeToLive(2)
      #expect(probe.send([4, 5, 6]) && probe.receive() == [[4, 5, 6]], "the next hop is the host itself")
      // An opinion that is not ours.
      let ping = try lab.left.run(["ping", "-c", "1", "-W", "5", "-t", "1", address])
      #expect(ping.output.contains("From \(try #require(Self.router[isIPv6]))"), "\(ping)")
      #expect(ping.output.contains(isIPv6 ? "Hop limit" : "Time to live exceeded"), "\(ping)")
      #expect(try run.dropped("hop_limit") >= 2)
      try run.stop()
    }

    @Test(arguments: zip(right, ["Frag needed and DF set (mtu = 1300)", "Packet too big: mtu=1300"]))
    func `the path's MTU is found out`(address: String, answer: String) throws {
      let lab = try RoutedLab()
      // The hosts don't know: what they tell each other when they connect says 1500.
      try RoutedLab.run(lab.middle, "ip", "link", "set", "m1", "mtu", "1300")
      let run = try PolicyProcess(in: lab.middle, RoutedLab.routing())
      #expect(try lab.answers(address))
      let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: address, bytes: 1_000_000)
      #expect(transfer.isIntact)
      #expect(try run.dropped("needs_fragmentation") > 0, "nothing was ever too large")
      #expect(try RoutedLab.run(lab.left, "ip", "route", "get", address).contains("mtu 1300"))
      // Another one, which has learnt nothing.
      try RoutedLab.run(lab.left, "ip", "route", "flush", "cache")
      _ = try lab.left.run(["ip", "-6", "route", "flush", "cache"])
      let ping = try lab.left.run(["ping", "-c", "1", "-W", "5", "-M", "do", "-s", "1400", address])
      #expect(!ping.succeeded && ping.output.contains(answer), "\(ping)")
      try run.stop()
    }

    @Test(arguments: [router[false] ?? "", router[true] ?? ""])
    func `a session to the router itself lives through start, reload, stop and kill`(address: String) throws {
      let lab = try RoutedLab()
      let session = try EchoSession(from: lab.left, to: lab.middle, address: address)
      #expect(session.echoes())
      for _ in 0..<2 {
        let run = try PolicyProcess(in: lab.middle, RoutedLab.routing(["{name: all, then: {drop: all}}"]))
        #expect(session.echoes())
        #expect(try run.reload(RoutedLab.routing()).succeeded)
        #expect(session.echoes())
        #expect(try run.reload(RoutedLab.routing(["{name: all, then: {drop: everything}}"])).succeeded)
        #expect(session.echoes())
        try run.stop()
        #expect(session.echoes())
      }
      let killed = try PolicyProcess(in: lab.middle, RoutedLab.routing())
      #expect(session.echoes())
      killed.process.kill()
      #expect(session.echoes())
    }
  }
}
