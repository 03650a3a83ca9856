import Testing
import XSKEngine
import XSKLab

@Suite("A veth pair")
struct VethPairTests {
  @Test("has the addresses, MTU and queues it was given, and is up")
  func settings() throws {
    let left = try NetworkNamespace("left"), right = try NetworkNamespace("right")
    let pair = try VethPair(
      VethEnd("l0", in: left, address: "02:00:00:00:00:01", rxQueues: 2, txQueues: 3),
      VethEnd("r0", in: right, address: "02:00:00:00:00:02", rxQueues: 4), mtu: 9000)
    let link = try pair.left.link()
    #expect(link.mtu == 9000)
    #expect(link.address == "02:00:00:00:00:01")
    #expect(link.isUp)
    #expect(try pair.right.link().address == LinkAddress("02:00:00:00:00:02"))
    #expect(try left.run(["sh", "-c", "ls -d /sys/class/net/l0/queues/*"]).output.split(separator: "\n").count == 5)
    #expect(try right.run(["sh", "-c", "ls -d /sys/class/net/r0/queues/*"]).output.split(separator: "\n").count == 5)
  }

  @Test("leaves nothing behind when an end is refused")
  func refused() throws {
    let left = try NetworkNamespace("left"), right = try NetworkNamespace("right")
    #expect(throws: XSKError.self) {
      try VethPair(VethEnd("l0", in: left), VethEnd("r0", in: right, addresses: ["10.0.0.300/24"]))
    }
    #expect(throws: XSKError.self) { try VethPair(VethEnd("lo", in: left), VethEnd("r0", in: right)) }
    #expect(try left.links().map(\.name) == ["lo"])
    #expect(try right.links().map(\.name) == ["lo"])
  }

  @Test("can join a namespace to itself, and goes when deleted")
  func sameNamespace() throws {
    let namespace = try NetworkNamespace("same")
    let pair = try VethPair(VethEnd("a", in: namespace), VethEnd("b", in: namespace))
    #expect(try Set(namespace.links().map(\.name)) == ["lo", "a", "b"])
    try pair.delete()
    #expect(try namespace.links().map(\.name) == ["lo"])
  }

  @Test("carries nothing that nobody sent", arguments: [false, true])
  func quiet(isIPv6: Bool) throws {
    let lab = try TwoNamespaces(isIPv6: isIPv6)
    try lab.pair.fixNeighbours()
    let socket = try PacketSocket(in: lab.right, device: "r0")
    // IPv6 reports the groups of its addresses (RFC 3810), and nothing else.
    let reports = isIPv6 ? try socket.receive(100, timeout: .milliseconds(1500)) : []
    #expect(reports.allSatisfy { $0[20] == 0 && $0[12...13] == [0x86, 0xdd] })
    #expect(try socket.receive(timeout: .milliseconds(700)) == nil)
    if !isIPv6 { #expect(try lab.pair.right.counters() == LinkCounters()) }
  }

  @Test("counts packets and bytes of each end")
  func counters() throws {
    let lab = try TwoNamespaces()
    let before = try lab.pair.right.counters()
    let socket = try PacketSocket(in: lab.left, device: "l0")
    let frame = try lab.frame(size: 100)
    for _ in 0..<10 { try socket.send(frame) }
    let growth = try lab.pair.right.counters().since(before)
    #expect(growth == LinkCounters(receivedPackets: 10, receivedBytes: 1000))
    #expect(try lab.pair.left.counters().transmittedPackets == 10)
  }

  @Test("sends finished checksums and single segments")
  func offloads() throws {
    let lab = try TwoNamespaces()
    let socket = try PacketSocket(in: lab.right, device: "r0")
    let transfer = try TCPTransfer.run(from: lab.left, to: lab.right, address: lab.rightAddress, bytes: 100_000)
    #expect(transfer.isIntact)
    let frames = try socket.receive(1000, timeout: .milliseconds(200)) { $0[12...13] == [8, 0] }
    #expect(frames.count > 60)
    #expect(frames.allSatisfy { $0.count <= 1514 && Checksums.areRight($0) })
  }
}
