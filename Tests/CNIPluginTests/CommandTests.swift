import Testing

@testable import CNIPlugin

@Suite struct CommandTests {
  @Test(arguments: ["", "{\"cniVersion\": \"0.4.0\"}", "{\"cniVersion\": \"1.1.0\"}", "{\"cniVersion\": \"9.9.9\"}"])
  func `VERSION lists the versions`(input: String) throws {
    let lab = try PluginLab()
    let answer = try lab.run("VERSION", input: Array(input.utf8), environment: ["CNI_PATH": "", "CNI_IFNAME": ""])
    #expect(answer.status == 0)
    #expect(answer.json?["supportedVersions"] == ["0.3.1", "0.4.0", "1.0.0", "1.1.0"])
    let asked = JSONValue(parsing: Array(input.utf8))?["cniVersion"]
    #expect(answer.json?["cniVersion"] == asked ?? "1.1.0")
  }

  @Test(arguments: AddTests.versions) func `DEL ends the attachment, then gives addresses back`(version: String) throws
  {
    let lab = try PluginLab()
    let configuration: [String: JSONValue] = ["cniVersion": .string(version), "ipam": ["type": "fake-ipam"]]
    _ = try lab.run("ADD", configuration)
    for _ in 0..<3 {
      let answer = try lab.run("DEL", configuration, environment: ["CNI_NETNS": ""])
      #expect(answer.status == 0, "\(answer.text)")
      #expect(answer.text.isEmpty)
    }
    #expect(lab.daemon.state.withLock { $0.tenants.isEmpty })
    #expect(lab.ipamCalls == ["ADD", "DEL", "DEL", "DEL"])
  }

  @Test func `DEL keeps the address while the interface can't be ended`() throws {
    let lab = try PluginLab()
    lab.daemon.set { $0.mood = .refusing(500, "busy; wait") }
    let answer = try lab.run("DEL", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.code == 101)
    #expect(lab.ipamCalls.isEmpty)
  }

  @Test func `DEL does not mind fields that it does not know`() throws {
    let lab = try PluginLab()
    #expect(try lab.run("DEL", ["cniVersion": "1.0.0", "polcy": "web"]).status == 0)
  }

  @Test func `DEL with xskd down succeeds only where nothing is left, and gives the address back`() throws {
    let lab = try PluginLab()
    lab.daemon.end()
    let configuration: [String: JSONValue] = ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]]
    #expect(try lab.run("DEL", configuration).status == 0, "after a boot")
    try lab.write(#"{"version": 1, "generation": 3, "tenants": [{"id": "other-eth0"}]}"#, "state.json")
    #expect(try lab.run("DEL", configuration).status == 0)
    try lab.write(#"{"version": 1, "generation": 3, "tenants": [{"id": "c0ffee-eth0"}]}"#, "state.json")
    #expect(try lab.run("DEL", configuration).code == 11)
    try lab.write(#"{"version": 1, "gen"#, "state.json")
    #expect(try lab.run("DEL", configuration).code == 11)
    #expect(lab.ipamCalls == ["DEL", "DEL", "DEL"])
  }

  @Test(arguments: ["0.4.0", "1.0.0", "1.1.0"]) func `CHECK compares with what ADD said`(version: String) throws {
    let lab = try PluginLab()
    var configuration: [String: JSONValue] = ["cniVersion": .string(version), "ipam": ["type": "fake-ipam"]]
    let added = try lab.run("ADD", configuration)
    #expect(try lab.run("CHECK", configuration).code == 7, "without prevResult")
    configuration["prevResult"] = added.json
    let good = try lab.run("CHECK", configuration)
    #expect(good.status == 0, "\(good.text)")
    #expect(good.text.isEmpty)
    lab.daemon.set { $0.tenants["c0ffee-eth0"]?.mac = "02:00:00:00:00:99" }
    let changed = try lab.run("CHECK", configuration)
    #expect(changed.code == 103)
    #expect(changed.message.contains("02:00:00:00:00:99"))
    lab.daemon.set {
      $0.tenants["c0ffee-eth0"]?.mac = "02:00:00:00:00:01"
      $0.tenants["c0ffee-eth0"]?.addresses = ["10.1.0.5/32"]
    }
    #expect(try lab.run("CHECK", configuration).message.contains("fd00::5"))
    lab.daemon.set {
      $0.tenants["c0ffee-eth0"]?.addresses = ["10.1.0.5/32", "fd00::5/128"]
      $0.checkProblems = ["eth0 is down", "no route"]
    }
    let broken = try lab.run("CHECK", configuration)
    #expect(broken.code == 103)
    #expect(broken.message.contains("eth0 is down"))
    #expect(broken.json?["details"] == "no route")
    #expect(try lab.run("CHECK", configuration, environment: ["CNI_IFNAME": "eth7"]).code == 3)
    try lab.setIPAM("CHECK", says: #"{"code": 100, "msg": "not allocated"}"#, status: 1)
    #expect(try lab.run("CHECK", configuration).message.contains("not allocated"))
  }

  @Test func `STATUS says whether a container could be attached`() throws {
    let lab = try PluginLab()
    let configuration: [String: JSONValue] = ["cniVersion": "1.1.0", "ipam": ["type": "fake-ipam"]]
    let good = try lab.run("STATUS", configuration, environment: ["CNI_CONTAINERID": "", "CNI_IFNAME": ""])
    #expect(good.status == 0, "\(good.text)")
    #expect(good.text.isEmpty)
    #expect(lab.ipamCalls == ["STATUS"])
    try lab.setIPAM("STATUS", says: #"{"code": 7, "msg": "no range"}"#, status: 1)
    #expect(try lab.run("STATUS", configuration).code == 50)
    lab.daemon.set { $0.capacity = 0 }
    let full = try lab.run("STATUS", configuration)
    #expect(full.code == 50)
    #expect(full.message.contains("slots"))
    lab.daemon.set { $0.dataplane = "stopped" }
    #expect(try lab.run("STATUS", configuration).code == 51)
    lab.daemon.end()
    #expect(try lab.run("STATUS", configuration).code == 50)
  }

  @Test func `GC keeps exactly the valid attachments of its network`() throws {
    let lab = try PluginLab()
    func add(_ container: String, _ interface: String, network: String) throws {
      let answer = try lab.run(
        "ADD", ["cniVersion": "1.1.0", "name": .string(network), "runtimeConfig": ["ips": ["10.0.0.1"]]],
        environment: ["CNI_CONTAINERID": container, "CNI_IFNAME": interface])
      #expect(answer.status == 0, "\(answer.text)")
    }
    try add("one", "eth0", network: "tenants")
    try add("one", "eth1", network: "tenants")
    try add("two", "eth-0", network: "tenants")
    try add("two-eth", "0", network: "tenants")
    try add("three", "eth0", network: "others")
    let configuration: [String: JSONValue] = ["cniVersion": "1.1.0", "ipam": ["type": "fake-ipam"]]
    #expect(try lab.run("GC", configuration).code == 7, "no list is not an empty list")
    let answer = try lab.run(
      "GC",
      configuration.merging([
        "cni.dev/valid-attachments": [
          ["containerID": "one", "ifname": "eth1"], ["containerID": "two", "ifname": "eth-0"],
          ["containerID": "gone", "ifname": "eth0"],
        ]
      ]) { $1 }, environment: ["CNI_CONTAINERID": "", "CNI_NETNS": "", "CNI_IFNAME": ""])
    #expect(answer.status == 0, "\(answer.text)")
    #expect(lab.daemon.state.withLock { $0.tenants.keys.sorted() } == ["one-eth1", "three-eth0", "two-eth._0"])
    #expect(lab.ipamCalls == ["GC"])
    let empty = try lab.run("GC", configuration.merging(["cni.dev/valid-attachments": []]) { $1 })
    #expect(empty.status == 0)
    #expect(lab.daemon.state.withLock { $0.tenants.keys.sorted() } == ["three-eth0"])
    lab.daemon.end()
    #expect(try lab.run("GC", configuration.merging(["cni.dev/valid-attachments": []]) { $1 }).code == 11)
    #expect(lab.ipamCalls.count == 2, "addresses of what could not be ended stay")
  }
}
