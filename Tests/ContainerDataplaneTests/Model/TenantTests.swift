import Testing
import XSKEngine

@testable import ContainerDataplane

@Suite struct TenantTests {
  @Test func `a tenant as the node makes it is right`() {
    #expect(Tenant.sample(1).problems() == [])
    #expect(Tenant.sample(1).macNumber == 0x0200_0000_0001)
    #expect(Tenant.sample(1).ipAddresses.map(\.description) == ["10.1.0.1", "fd00::1"])
  }

  @Test func `a tenant with physical queues is right without addresses, port and policy`() {
    #expect(Tenant.onQueues(1, [2]).problems() == [])
    var bare = Tenant.onQueues(1, [2])
    bare.addresses = []
    #expect(bare.problems() == [])
  }

  static let queueFaults = [
    Fault("physicalQueues.queues") { $0.physicalQueues?.queues = [] },
    Fault("physicalQueues.queues") { $0.physicalQueues?.queues = [1, 1] },
    Fault("physicalQueues.queues") { $0.physicalQueues?.queues = [-1] },
    Fault("physicalQueues.device") { $0.physicalQueues?.device = "eth3" },
    Fault("physicalQueues.pciID") { $0.physicalQueues?.pciID = "a\nb" },
    Fault("port") { $0.port = 0 },
    Fault("vlan") { $0.vlan = 5 },
    Fault("bandwidth") { $0.bandwidth = .init(ingressRate: 1) },
    Fault("policy") { $0.policy = "default" },
    Fault("addresses") { $0.addresses = ["10.1.0.5/33"] },
    Fault("addresses") { $0.addresses = ["10.1.0.5/0"] },
  ]

  @Test(arguments: queueFaults)
  func `what would be promised to a tenant with physical queues, and not kept, is wrong`(_ fault: Fault) {
    var tenant = Tenant.onQueues(1, [2])
    fault.change(&tenant)
    let problems = tenant.problems()
    #expect(problems.count == 1 && problems[0].subject.contains(": \(fault.key) "), "\(problems)")
  }

  /// A key, and what makes it wrong.
  struct Fault: Sendable {
    let key: String
    let change: @Sendable (inout Tenant) -> Void

    init(_ key: String, _ change: @escaping @Sendable (inout Tenant) -> Void) {
      (self.key, self.change) = (key, change)
    }
  }

  static let faults = [
    Fault("id") { $0.id = "../etc" },
    Fault("id") { $0.id = "" },
    Fault("id") { $0.id = String(repeating: "a", count: 129) },
    Fault("id") { $0.id = "a b" },
    Fault("name") { $0.name = "a\nb" },
    Fault("name") { $0.name = "" },
    Fault("namespace") { $0.namespace = "run/netns/a" },
    Fault("namespace") { $0.namespace = "/run/\0" },
    Fault("device") { $0.device = "eth0/1" },
    Fault("device") { $0.device = ".." },
    Fault("hostDevice") { $0.hostDevice = "more-than-15-chars" },
    Fault("mac") { $0.mac = "01:00:00:00:00:01" },
    Fault("mac") { $0.mac = "00:00:00:00:00:00" },
    Fault("mac") { $0.mac = "02:00:00:00:00" },
    Fault("mac") { $0.mac = "+2:00:00:00:00:01" },
    Fault("hostMAC") { $0.hostMAC = "" },
    Fault("addresses") { $0.addresses = [] },
    Fault("addresses") { $0.addresses = ["10.1.0.5/24"] },
    Fault("addresses") { $0.addresses = ["10.1.0.5"] },
    Fault("addresses") { $0.addresses = ["fd00::5/64"] },
    Fault("addresses") { $0.addresses = ["127.0.0.1/32"] },
    Fault("addresses") { $0.addresses = ["169.254.1.1/32"] },
    Fault("addresses") { $0.addresses = ["224.0.0.1/32"] },
    Fault("addresses") { $0.addresses = ["fe80::5/128"] },
    Fault("addresses") { $0.addresses = ["ff02::1/128"] },
    Fault("addresses") { $0.addresses = ["::ffff:10.0.0.1/128"] },
    Fault("addresses") { $0.addresses = (1...17).map { "10.1.0.\($0)/32" } },
    Fault("mtu") { $0.mtu = 1279 },
    Fault("mtu") { $0.mtu = 65_536 },
    Fault("vlan") { $0.vlan = 4095 },
    Fault("vlan") { $0.vlan = 0 },
    Fault("policy") { $0.policy = "a/b" },
    Fault("quota.umemBytes") { $0.quota.umemBytes = 0 },
    Fault("quota.frames") { $0.quota.frames = 1 << 40 },
    Fault("quota.sockets") { $0.quota.sockets = 0 },
    Fault("cgroup") { $0.cgroup = "a" },
    Fault("port") { $0.port = 250 },
    Fault("port") { $0.port = -1 },
    Fault("createdAt") { $0.createdAt = "" },
  ]

  @Test(arguments: faults)
  func `what is wrong is told by its key`(_ fault: Fault) {
    var tenant = Tenant.sample(1)
    fault.change(&tenant)
    let problems = tenant.problems()
    #expect(problems.count == 1)
    #expect(problems.first?.subject.contains(": \(fault.key) ") == true)
    #expect(throws: XSKError.self) { try tenant.check() }
  }

  @Test func `the small MTU of IPv4 is enough where there is no IPv6`() {
    var tenant = Tenant.sample(1)
    tenant.addresses = ["10.1.0.1/32"]
    tenant.mtu = 576
    #expect(tenant.problems() == [])
  }

  @Test func `a VLAN alone is enough`() {
    var tenant = Tenant.sample(1)
    (tenant.addresses, tenant.vlan) = ([], 7)
    #expect(tenant.problems() == [])
  }

  @Test func `a host device's name is 15 characters, and follows from the id alone`() {
    let name = TenantNames.hostDevice(of: "0123456789abcdef-eth0")
    #expect(name == TenantNames.hostDevice(of: "0123456789abcdef-eth0"))
    #expect(name.utf8.count == 15 && name.hasPrefix("xskt") && TenantNames.isDevice(name))
    #expect(Set((0..<10_000).map { TenantNames.hostDevice(of: "container\($0)-eth0") }).count == 10_000)
  }

  @Test func `MAC addresses are written as they are read`() {
    #expect(TenantAddress.macText(0x02AB_0000_000F) == "02:ab:00:00:00:0f")
    #expect(TenantAddress.mac("02:AB:00:00:00:0f") == 0x02AB_0000_000F)
  }
}

extension Tenant {
  /// Tenant `number` of a test, 1…250: 10.1.0.NUMBER and fd00::NUMBER, on spare port `number - 1`.
  static func sample(_ number: Int) -> Tenant {
    let digits = String(number, radix: 16)
    let byte = digits.utf8.count == 1 ? "0" + digits : digits
    return Tenant(
      id: "container\(number)-eth0", name: "pod\(number)", namespace: "/run/netns/container\(number)", device: "eth0",
      mac: "02:00:00:00:00:\(byte)", hostMAC: "02:00:00:00:01:\(byte)",
      addresses: ["10.1.0.\(number)/32", "fd00::\(digits)/128"], port: number - 1, createdAt: "2026-01-31T12:00:00Z")
  }

  /// One with queues of eth2.
  static func onQueues(_ number: Int, _ queues: [Int], container: Int? = nil) -> Tenant {
    let mac = "02:00:00:00:02:01"
    var tenant = Tenant(
      id: "container\(container ?? number)-eth0", name: "pod\(number)",
      namespace: "/run/netns/container\(container ?? number)", device: "eth0", hostDevice: "eth2", mac: mac,
      hostMAC: mac,
      addresses: ["10.1.0.\(number)/24"], policy: "", createdAt: "2026-01-31T12:00:00Z")
    tenant.physicalQueues = .init(device: "eth2", queues: queues)
    return tenant
  }
}
