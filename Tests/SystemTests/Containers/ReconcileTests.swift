import Foundation
import Glibc
import Rtnetlink
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

@Suite struct ReconcileTests {
  @Test func `a new daemon takes up what a killed one left`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    var node: Node? = try lab.node()
    let tenant = try lab.attach(try #require(node), "one-eth0", DaemonLab.request(container, 5))
    // As after a kill, nothing is taken down: only this process's descriptors and threads go.
    node = nil
    let next = try lab.node()
    #expect(next.state.tenants == [tenant])
    #expect(next.book.withLock { $0.endpoints["one-eth0"]?.isResumed } == true, "the program was never off its device")
    #expect(try lab.host.run { try next.problems(of: "one-eth0") } == [])
    try lab.detach(next, "one-eth0")
    #expect(try lab.leftovers() == [])
  }

  @Test func `leftovers of a kill are removed, and nobody else's devices`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    let node = try lab.node()
    _ = try lab.attach(node, "one-eth0", DaemonLab.request(container, 5))
    let group = lab.places.deviceGroup
    try lab.host.run {
      // One that was made before the state was written, and one of somebody else's.
      try Netlink().createVeth(VethLink(name: "xskt0000000dead", group: group), peer: VethLink(name: "peer0"))
      try Netlink().createVeth(VethLink(name: "xskt0000000beef"), peer: VethLink(name: "peer1"))
    }
    for path in ["\(lab.places.bpfDirectory)/gone-eth0", lab.places.directory(of: "gone-eth0")] {
      #expect(unsafe mkdir(path, 0o700) == 0)
    }
    _ = try lab.node()
    let names = try lab.host.links().map(\.name)
    #expect(!names.contains("xskt0000000dead"))
    #expect(names.contains("xskt0000000beef"))
    let own = TenantNames.hostDevice(of: "one-eth0")
    #expect(try lab.leftovers() == ["one-eth0", "one-eth0", own, "xskt0000000beef"].sorted())
  }

  @Test func `a tenant whose namespace went is let go of`() throws {
    let lab = try DaemonLab()
    let containers = try (1...3).map { try NetworkNamespace("c\($0)") }
    let node = try lab.node()
    for number in 1...3 {
      _ = try lab.attach(node, "c\(number)-eth0", DaemonLab.request(containers[number - 1], number))
    }
    containers[0].close()
    try lab.host.run { node.lookAfterTenants() }
    #expect(node.state.tenants.map(\.id) == ["c2-eth0", "c3-eth0"])
    containers[1].close()
    // Its container runtime comes late.
    try lab.detach(node, "c2-eth0")
    containers[2].close()
    try lab.host.run { node.lookAfterTenants() }
    #expect(node.state.tenants.isEmpty)
    #expect(try lab.leftovers() == [])
  }

  @Test(arguments: [true, false])
  func `a stranger in a container's place is not taken for it`(isNamespace: Bool) throws {
    let lab = try DaemonLab()
    let (container, stranger) = (try NetworkNamespace("one"), try NetworkNamespace("stranger"))
    let other = isNamespace ? stranger.fd : socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { if !isNamespace { close(other) } }
    _ = try VethPair(VethEnd("eth0", in: stranger), VethEnd("eth1", in: stranger))
    var node: Node? = try lab.node()
    _ = try lab.attach(try #require(node), "one-eth0", DaemonLab.request(container, 5))
    node = nil
    // The container has ended, but the kernel has not taken its devices yet; its path leads to another's by now.
    let kept = fcntl(container.fd, F_DUPFD_CLOEXEC, 0)
    defer { close(kept) }
    try #require(dup2(other, container.fd) >= 0)
    let next = try lab.node()
    #expect(next.state.tenants == [])
    #expect(try lab.leftovers() == [])
    #expect(try stranger.run { try NetworkDevice(named: "eth0").program } == nil, "its device was taken for ours")
  }

  @Test(arguments: [
    "", "{", "{\"version\": 2, \"generation\": 1, \"tenants\": []}", "[]", "{\"version\": 1, \"tenants\": []}",
    "{\"version\": 1, \"generation\": 1, \"tenants\": [{\"id\": \"../x\"}]}",
  ])
  func `a damaged state is told, and nothing is lost`(text: String) throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    var node: Node? = try lab.node()
    _ = try lab.attach(try #require(node), "one-eth0", DaemonLab.request(container, 5))
    node = nil
    let good = try Data(contentsOf: URL(filePath: lab.places.stateFile))
    try Data(text.utf8).write(to: URL(filePath: lab.places.stateFile))
    let before = try lab.leftovers()
    do {
      _ = try lab.node()
      Issue.record("it was taken")
    } catch let error as XSKError {
      #expect("\(error)".contains(lab.places.stateFile))
      #expect("\(error)".contains("restore"))
    }
    #expect(try lab.leftovers().filter { !$0.contains("sock") } == before)
    #expect(try Data(contentsOf: URL(filePath: lab.places.stateFile)) == Data(text.utf8))
    try good.write(to: URL(filePath: lab.places.stateFile))
    #expect(try lab.node().state.tenants.map(\.id) == ["one-eth0"])
  }

  @Test func `a state that can't be written attaches nobody`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    let node = try lab.node()
    // What is renamed onto a directory is refused, root or not.
    #expect(unsafe unlink(lab.places.stateFile) == 0)
    #expect(unsafe mkdir(lab.places.stateFile, 0o700) == 0)
    #expect(unsafe mkdir("\(lab.places.stateFile)/x", 0o700) == 0)
    do {
      _ = try lab.attach(node, "one-eth0", DaemonLab.request(container, 5))
      Issue.record("it was attached")
    } catch let error as NodeRefusal { #expect(error.kind == .failed) }
    #expect(try lab.leftovers() == [])
    #expect(node.state == NodeState())
  }

  @Test func `the kernel answers on uplinks for routed tenants alone`() throws {
    let lab = try DaemonLab()
    let (container, outside) = (try NetworkNamespace("one"), try NetworkNamespace("outside"))
    _ = try VethPair(
      VethEnd("up0", in: lab.host, addresses: ["10.1.0.1/24", "fd00::1/64"]),
      VethEnd("out0", in: outside, addresses: ["10.1.0.2/24", "fd00::2/64"]))
    let node = try lab.node(NodeSettings(uplinks: ["up0"]))
    _ = try lab.attach(node, "one-eth0", DaemonLab.request(container, 5))
    let four = try lab.host.run(["ip", "neighbour", "show", "proxy"]).output
    #expect(four.contains("10.1.0.5 dev up0"), "\(four)")
    #expect(four.contains("fd00::5 dev up0"), "\(four)")
    try lab.detach(node, "one-eth0")
    #expect(try lab.host.run(["ip", "neighbour", "show", "proxy"]).output == "")
  }
}
