import Foundation
import Glibc
import Rtnetlink
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

@Suite struct AttachTests {
  @Test func `an attached container and its host reach each other`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    let node = try lab.node()
    let tenant = try lab.attach(node, "one-eth0", DaemonLab.request(container, 5))
    #expect(try lab.host.run { try node.problems(of: "one-eth0") } == [])
    #expect(tenant.port == 0)
    for (place, address) in [
      (lab.host, "10.1.0.5"), (lab.host, "fd00::5"), (container, "169.254.1.1"), (container, "fe80::1%eth0"),
    ] {
      let ping = try place.run(["ping", "-c", "1", "-W", "2", address])
      #expect(ping.succeeded, "\(address): \(ping.output)")
    }
    let end = try container.link("eth0")
    #expect(end.address.description == tenant.mac)
    #expect(end.mtu == 1500)
    #expect(FileManager.default.fileExists(atPath: lab.places.socket(of: "one-eth0")))
    let features = try container.run(["ethtool", "-k", "eth0"]).output
    for feature in ["tx-checksumming", "tx-tcp-segmentation", "generic-segmentation-offload"] {
      #expect(features.contains("\(feature): off"), "\(features)")
    }
    try lab.detach(node, "one-eth0")
    #expect(try lab.leftovers() == [])
    #expect(try container.links().map(\.name) == ["lo"])
    #expect(try lab.host.run { try node.detach("one-eth0") } == (), "a second time")
  }

  @Test func `a tenant's wishes are carried out`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    var settings = NodeSettings(policies: ["default", "web"])
    settings.queues = 2
    let node = try lab.node(settings)
    var request = AttachRequest(
      name: "n", namespace: DaemonLab.path(of: container), device: "net1", addresses: ["10.1.0.5/32"])
    request.mac = "02:11:22:33:44:55"
    request.mtu = 1400
    request.policy = "web"
    request.quota = .init(frames: 1024)
    request.network = "tenants"
    request.bandwidth = .init(ingressRate: 1_000_000)
    let tenant = try lab.attach(node, "one-net1", request)
    let end = try container.link("net1")
    #expect(end.address.description == "02:11:22:33:44:55")
    #expect(end.mtu == 1400)
    #expect(tenant.quota == TenantQuota(frames: 1024, sockets: 2))
    #expect(tenant.network == "tenants")
    #expect(tenant.bandwidth == request.bandwidth)
    let queues = try container.run(["sh", "-c", "ls -d /sys/class/net/net1/queues/rx-* | wc -l"]).output
    #expect(queues == "2\n")
    // Without an IPv6 address nothing of IPv6 is sent.
    let setting = try container.run(["cat", "/proc/sys/net/ipv6/conf/net1/disable_ipv6"]).output
    #expect(setting == "1\n")
    #expect(try NodeState.read(lab.places.stateFile).tenants == [tenant])
  }

  @Test func `a VLAN's container has its network and gateway, and this host is nobody there`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    _ = try VethPair(VethEnd("w0", in: container), VethEnd("up0", in: lab.host))
    let node = try lab.node(NodeSettings(uplinks: ["up0"]))
    var request = AttachRequest(
      name: "n", namespace: DaemonLab.path(of: container), device: "eth0", addresses: ["10.7.0.5/24"])
    request.vlan = 7
    request.routes = [.init(destination: "0.0.0.0/0", gateway: "10.7.0.1")]
    let tenant = try lab.attach(node, "one-eth0", request)
    #expect(tenant.addresses == ["10.7.0.5/32"])
    let routes = try container.run(["ip", "route"]).output
    #expect(routes.contains("default via 10.7.0.1 dev eth0"), "\(routes)")
    #expect(routes.contains("10.7.0.0/24 dev eth0"), "\(routes)")
    let here = try lab.host.run(["ip", "address", "show", "dev", tenant.hostDevice]).output
    #expect(!here.contains("inet"), "\(here)")
    // A network card would keep the VLAN, and what is sent to the container's MAC address, to itself.
    let uplink = try lab.host.run(["ip", "link", "show", "dev", "up0"]).output
    #expect(uplink.contains("PROMISC"), "\(uplink)")
    #expect(try lab.host.run { try node.problems(of: "one-eth0") } == [])
  }

  @Test func `asked again for the same it answers the same, and refuses what is otherwise`() throws {
    let lab = try DaemonLab()
    let (one, two) = (try NetworkNamespace("one"), try NetworkNamespace("two"))
    let node = try lab.node()
    let tenant = try lab.attach(node, "one-eth0", DaemonLab.request(one, 5))
    let again = try lab.host.run { try node.attach("one-eth0", DaemonLab.request(one, 5)) }
    #expect(again.tenant == tenant)
    #expect(again.seconds == nil)
    #expect(node.state.generation == 1)
    let cases: [(String, AttachRequest, NodeRefusal.Kind)] = [
      ("one-eth0", DaemonLab.request(one, 6), .conflict), ("one-eth0", DaemonLab.request(two, 5), .conflict),
      ("two-eth0", DaemonLab.request(two, 5), .conflict), ("two-eth0", DaemonLab.request(one, 6), .conflict),
    ]
    for (id, request, kind) in cases {
      #expect(refusal { _ = try lab.attach(node, id, request) } == kind, "\(id) \(request)")
    }
    #expect(try container(two) == ["lo"])
    #expect(node.state.tenants == [tenant])
  }

  @Test func `what is wrong is refused, and nothing is left`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    let node = try lab.node(NodeSettings(quota: TenantQuota(frames: 1024)))
    let good = DaemonLab.request(container, 5)
    func changed(_ change: (inout AttachRequest) -> Void) -> AttachRequest {
      var request = good
      change(&request)
      return request
    }
    let requests: [AttachRequest] = [
      changed { $0.namespace = "/nowhere" }, changed { $0.namespace = "/dev/null" },
      changed { $0.namespace = "relative" },
      changed { $0.namespace = "/proc/\(getpid())/fd/\(lab.host.fd)" }, changed { $0.device = "a/b" },
      changed { $0.device = "sixteencharacter" }, changed { $0.mac = "01:00:00:00:00:01" }, changed { $0.mtu = 10 },
      changed { $0.vlan = 4095 }, changed { $0.addresses = [] }, changed { $0.addresses = ["10.1.0.5"] },
      changed { $0.addresses = ["10.1.0.5/24"] }, changed { $0.addresses = ["127.0.0.1/32"] },
      changed { $0.policy = "none" }, changed { $0.quota = .init(frames: 2048) },
      changed { $0.quota = .init(sockets: 2) }, changed { $0.deviceID = "eth9" },
      changed { $0.cgroup = "relative" },
    ]
    for request in requests {
      #expect(refusal { _ = try lab.attach(node, "one-eth0", request) } == .wrong, "\(request)")
    }
    #expect(refusal { _ = try lab.attach(node, "../etc", good) } == .wrong)
    #expect(refusal { try lab.detach(node, "../etc") } == .wrong)
    // There is a device of this name already.
    #expect(refusal { _ = try lab.attach(node, "one-lo", changed { $0.device = "lo" }) } == .conflict)
    #expect(try lab.leftovers() == [])
    #expect(try self.container(container) == ["lo"])
    #expect(node.state.generation == 0)
    _ = try lab.attach(node, "one-eth0", good)
  }

  @Test func `slots run out and come back`() throws {
    let lab = try DaemonLab()
    let containers = try (1...4).map { try NetworkNamespace("c\($0)") }
    let node = try lab.node(NodeSettings(capacity: 3))
    for number in 1...3 {
      _ = try lab.attach(node, "c\(number)-eth0", DaemonLab.request(containers[number - 1], number))
    }
    #expect(refusal { _ = try lab.attach(node, "c4-eth0", DaemonLab.request(containers[3], 4)) } == .full)
    try lab.detach(node, "c2-eth0")
    #expect(try lab.attach(node, "c4-eth0", DaemonLab.request(containers[3], 4)).port == 1)
  }

  @Test func `attachments asked for side by side are all made`() throws {
    let lab = try DaemonLab()
    let count = 12
    let containers = try (0..<count).map { try NetworkNamespace("c\($0)") }
    let node = try lab.node()
    DispatchQueue.concurrentPerform(iterations: count) { index in
      do { _ = try lab.attach(node, "c\(index)-eth0", DaemonLab.request(containers[index], index + 1)) } catch {
        Issue.record(error)
      }
    }
    #expect(Set(node.state.tenants.compactMap(\.port)) == Set(0..<count))
    #expect(try NodeState.read(lab.places.stateFile).tenants.count == count)
    for index in 0..<count { #expect(try lab.host.run { try node.problems(of: "c\(index)-eth0") } == []) }
    DispatchQueue.concurrentPerform(iterations: count) { index in
      do { try lab.detach(node, "c\(index)-eth0") } catch { Issue.record(error) }
    }
    #expect(try lab.leftovers() == [])
  }

  @Test func `a hundred attachments leave nothing behind`() throws {
    let lab = try DaemonLab()
    let container = try NetworkNamespace("one")
    let node = try lab.node()
    var slowest = 0.0
    func cycle() throws {
      let attached = try lab.host.run { try node.attach("one-eth0", DaemonLab.request(container, 5)) }
      slowest = max(slowest, attached.seconds ?? 0)
      try lab.detach(node, "one-eth0")
    }
    for _ in 0..<100 { try cycle() }
    #expect(try lab.leftovers() == [])
    #expect(try self.container(container) == ["lo"])
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }.filter { $0.contains(lab.directory) }
    #expect(open == [])
    print("attach: slowest of 100 took \((slowest * 10_000).rounded() / 10) ms")
  }

  private func container(_ namespace: NetworkNamespace) throws -> [String] { try namespace.links().map(\.name) }

  private func refusal(_ body: () throws -> Void) -> NodeRefusal.Kind? {
    do { try body() } catch let error as NodeRefusal { return error.kind } catch { Issue.record(error) }
    return nil
  }
}
