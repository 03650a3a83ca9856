import Testing
import XSKEngine
import XSKLab

@Suite("Traffic in the lab")
struct TrafficTests {
  @Test("ping is answered", arguments: [false, true])
  func ping(isIPv6: Bool) throws {
    let lab = try TwoNamespaces(isIPv6: isIPv6)
    let ping = try Ping.run(from: lab.left, to: lab.rightAddress, count: 5, payload: 1400)
    #expect(ping.sent == 5)
    #expect(ping.received == 5)
    #expect(ping.roundTrips.count == 5)
  }

  @Test("ping goes unanswered where nobody is")
  func noAnswer() throws {
    let lab = try TwoNamespaces()
    try lab.left.addNeighbour("10.9.0.77", at: "02:00:00:00:00:77", on: "l0")
    let ping = try Ping.run(from: lab.left, to: "10.9.0.77", count: 1, timeout: .milliseconds(100))
    #expect(ping == Ping.unanswered(1))
  }

  @Test(
    "a TCP transfer arrives whole",
    arguments: [(0, 1500, false), (1, 1500, false), (3_000_003, 1500, false), (3_000_000, 9000, true)])
  func tcp(bytes: UInt64, mtu: UInt32, isIPv6: Bool) throws {
    let lab = try TwoNamespaces(mtu: mtu, isIPv6: isIPv6)
    let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: lab.rightAddress, bytes: bytes)
    #expect(transfer.isIntact)
    #expect(transfer.receivedBytes == bytes)
  }

  @Test("a TCP transfer's digest depends on its bytes")
  func digest() throws {
    let lab = try TwoNamespaces()
    let digests = try [1, 2].map { seed in
      try TCPTransfer.run(from: lab.left, to: lab.right, address: lab.rightAddress, bytes: 1000, seed: seed)
        .receivedDigest
    }
    #expect(digests[0] != digests[1])
  }

  @Test("a TCP transfer to nobody fails in time")
  func tcpFails() throws {
    let lab = try TwoNamespaces()
    try lab.pair.right.namespace.setUp("r0", false)
    #expect(throws: XSKError.self) {
      try TCPTransfer.run(
        from: lab.left, to: lab.right, address: lab.rightAddress, bytes: 10, timeout: .milliseconds(300))
    }
  }

  @Test("a packet socket's frames arrive byte for byte", arguments: [60, 1514, 9014])
  func packetSocket(size: Int) throws {
    let lab = try TwoNamespaces(mtu: 9000)
    let sender = try PacketSocket(in: lab.left, device: "l0"), receiver = try PacketSocket(in: lab.right, device: "r0")
    var template = try FrameTemplate(from: lab.pair.left, to: lab.pair.right)
    template.destinationAddress = "02:00:00:00:00:99"  // not the receiver's own
    for (index, vlan) in [nil, UInt16(5)].enumerated() where size < 9014 || vlan == nil {
      template.vlan = vlan
      let frame = try template.frame(size: size, seed: UInt8(index))
      try sender.send(frame)
      #expect(try receiver.receive(timeout: .seconds(10)) == frame)
    }
    #expect(try receiver.receive(timeout: .milliseconds(50)) == nil)
    #expect(try sender.receive(timeout: .milliseconds(50)) == nil)
  }

  @Test(
    "frames are made with right checksums and of the size asked for",
    arguments: [
      ("10.0.0.1", "10.0.0.2", FrameTemplate.Transport.udp), ("10.0.0.1", "10.0.0.2", .tcp),
      ("fd00::1", "fd00::2", .udp),
      ("fd00::1", "fd00::2", .tcp),
    ])
  func frames(source: String, destination: String, transport: FrameTemplate.Transport) throws {
    let template = FrameTemplate(
      sourceAddress: "02:00:00:00:00:01", destinationAddress: "02:00:00:00:00:02", source: source,
      destination: destination, transport: transport)
    for size in [template.headerBytes, 101, 1514] {
      let frame = try template.frame(size: size)
      #expect(frame.count == size)
      #expect(Checksums.areRight(frame))
    }
    #expect(throws: XSKError.self) { try template.frame(size: template.headerBytes - 1) }
  }
}

extension Ping {
  static func unanswered(_ count: Int) -> Ping { Ping(sent: count, received: 0, roundTrips: []) }
}
