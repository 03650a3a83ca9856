import TenantAPI
import Testing

@testable import CNIPlugin

/// The tier `physical-queue`: no interface in the container, a device that stays with the host.
@Suite struct PhysicalQueueTests {
  private static let tier: [String: JSONValue] = ["cniVersion": "1.1.0", "tier": "physical-queue"]

  @Test(arguments: AddTests.versions) func `ADD's result has the host's device, and addresses for the application`(
    version: String
  ) throws {
    let lab = try PluginLab()
    let answer = try lab.run(
      "ADD", ["cniVersion": .string(version), "tier": "physical-queue", "ipam": ["type": "fake-ipam"]])
    #expect(answer.status == 0, "\(answer.text)")
    var device: [String: JSONValue] = ["name": "eth2", "mac": "02:00:00:00:00:01"]
    var four: [String: JSONValue] = ["address": "10.1.0.5/24", "gateway": "10.1.0.1", "interface": 0]
    var six: [String: JSONValue] = ["address": "fd00::5/64", "interface": 0]
    if version == "1.1.0" {
      device["mtu"] = 1500
      device["pciID"] = "0000:3b:02.1"
      device["socketPath"] = .string("\(lab.directory)/tenants/c0ffee-eth0/afxdp.sock")
    }
    if version < "1.0.0" { (four["version"], six["version"]) = ("4", "6") }
    #expect(
      answer.json == [
        "cniVersion": .string(version), "interfaces": [.object(device)], "ips": [.object(four), .object(six)],
        "routes": [["dst": "0.0.0.0/0", "gw": "10.1.0.1"]], "dns": ["nameservers": ["10.1.0.53"]],
      ])
    let request = try #require(lab.daemon.attached("c0ffee-eth0"))
    #expect(request.tier == "physical-queue" && request.routes == nil)
    #expect(request.addresses == ["10.1.0.5/24", "fd00::5/64"])
    guard version != "0.3.1" else { return }
    var check: [String: JSONValue] = [
      "cniVersion": .string(version), "tier": "physical-queue", "prevResult": try #require(answer.json),
    ]
    let good = try lab.run("CHECK", check)
    #expect(good.status == 0, "\(good.text)")
    lab.daemon.set { $0.tenants["c0ffee-eth0"]?.mac = "02:00:00:00:00:99" }
    #expect(try lab.run("CHECK", check).message.contains("mac is 02:00:00:00:00:99"))
    check["prevResult"] = ["interfaces": [["name": "eth2", "sandbox": "/run/netns/c0ffee"]]]
    #expect(try lab.run("CHECK", check).message.contains("prevResult has no interface eth2"))
    #expect(try lab.run("DEL", ["cniVersion": .string(version), "tier": "physical-queue"]).status == 0)
    #expect(lab.daemon.state.withLock { $0.tenants.isEmpty })
  }

  @Test func `it goes behind other networks' interfaces, and needs no address`() throws {
    let lab = try PluginLab()
    let previous: JSONValue = ["cniVersion": "1.1.0", "interfaces": [["name": "veth0"], ["name": "eth0"]], "ips": []]
    let answer = try lab.run(
      "ADD", Self.tier.merging(["prevResult": previous, "runtimeConfig": ["ips": ["192.0.2.7/24"]]]) { $1 })
    #expect(answer.json?["interfaces"]?.array?.map { $0["name"] } == ["veth0", "eth0", "eth2"])
    #expect(answer.json?["ips"] == [["address": "192.0.2.7/24", "interface": 2]])
    let bare = try lab.run("ADD", Self.tier, environment: ["CNI_IFNAME": "net1"])
    #expect(bare.status == 0 && bare.json?["ips"] == [], "\(bare.text)")
  }

  @Test(
    arguments: [
      ["deviceID": "0000:3b:02.1", "pciBusID": "0000:3b:02.1"],
      ["runtimeConfig": ["deviceID": "0000:3b:02.1"], "deviceID": "another"],
    ] as [[String: JSONValue]])
  func `the device is the runtime's or the configuration's to name`(members: [String: JSONValue]) throws {
    let lab = try PluginLab()
    let answer = try lab.run("ADD", Self.tier.merging(members) { $1 })
    #expect(answer.status == 0, "\(answer.text)")
    #expect(lab.daemon.attached("c0ffee-eth0")?.deviceID == "0000:3b:02.1")
  }

  @Test(
    arguments: [
      ("tier", ["tier": "virtual"]), ("tier", ["tier": "queue-lease"]), ("tier", ["tier": 7]),
      ("policy", ["policy": "web"]), ("vlan", ["vlan": 7]), ("mtu", ["mtu": 1500]),
      ("mac", ["runtimeConfig": ["mac": "02:11:22:33:44:55"]]),
      ("bandwidth", ["runtimeConfig": ["bandwidth": ["ingressRate": 1000, "ingressBurst": 1000]]]),
    ] as [(String, [String: JSONValue])])
  func `what nobody would see to is refused before anything is asked`(
    key: String, members: [String: JSONValue]
  ) throws {
    let lab = try PluginLab()
    let answer = try lab.run("ADD", Self.tier.merging(["ipam": ["type": "fake-ipam"]]) { $1 }.merging(members) { $1 })
    #expect(answer.code == 7 && answer.message.hasPrefix("\(key): "), "\(answer.text)")
    #expect(lab.ipamCalls.isEmpty && lab.daemon.requests.isEmpty)
  }

  @Test func `STATUS is about queues, not about slots or the dataplane`() throws {
    let lab = try PluginLab()
    func status(_ members: [String: JSONValue] = [:]) throws -> PluginLab.Answer {
      try lab.run("STATUS", Self.tier.merging(members) { $1 })
    }
    #expect(try status().code == 50, "there is no device for it")
    func pool(_ device: String, _ states: QueuePoolStatus.Queue.State..., problem: String? = nil) -> QueuePoolStatus {
      QueuePoolStatus(
        name: "fast", device: device, problem: problem,
        queues: states.enumerated().map { .init(queue: $0.offset, state: $0.element) })
    }
    lab.daemon.set {
      $0.queues = [pool("eth2", .used, .held), pool("eth3", .used, .free)]
      ($0.capacity, $0.dataplane) = (0, "stopped")
    }
    let good = try status()
    #expect(good.status == 0, "\(good.text)")
    let full = try status(["deviceID": "eth2"])
    #expect(full.code == 50 && full.message.contains("eth2: none of its 2 queues is free"), "\(full.text)")
    #expect(try status(["deviceID": "eth4"]).message.contains("eth4"))
    let few = try status(["quota": ["sockets": 2]])
    #expect(few.code == 50 && few.message.contains("eth2: none of its 2 queues is free"), "\(few.text)")
    let fewer = try status(["quota": ["sockets": 2], "deviceID": "eth3"])
    #expect(fewer.message.contains("eth3: 1, and not 2, of its 2 queues is free"), "\(fewer.text)")
    lab.daemon.set { $0.queues = [pool("eth2", .free, problem: "eth2: is down; bring it up")] }
    #expect(try status().message == "xskd: eth2: is down; bring it up")
  }
}
