import Testing

@testable import CNIPlugin

@Suite struct AddTests {
  static let versions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]

  @Test(arguments: versions) func `ADD asks IPAM and xskd, and answers in the version asked`(version: String) throws {
    let lab = try PluginLab()
    let answer = try lab.run(
      "ADD", ["cniVersion": .string(version), "ipam": ["type": "fake-ipam"], "mtu": 1400, "policy": "web"])
    #expect(answer.status == 0, "\(answer.text)")
    let isNew = version == "1.1.0"
    let isOld = version < "1.0.0"
    let socket = "\(lab.directory)/tenants/c0ffee-eth0/afxdp.sock"
    var host: [String: JSONValue] = ["name": "xskt0123456789a", "mac": "02:00:00:00:00:02"]
    var container: [String: JSONValue] = [
      "name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/run/netns/c0ffee",
    ]
    var four: [String: JSONValue] = ["address": "10.1.0.5/32", "interface": 1]
    var six: [String: JSONValue] = ["address": "fd00::5/128", "interface": 1]
    if isNew {
      host["mtu"] = 1400
      container["mtu"] = 1400
      container["socketPath"] = .string(socket)
    }
    if isOld { (four["version"], six["version"]) = ("4", "6") }
    #expect(
      answer.json == [
        "cniVersion": .string(version), "interfaces": [.object(host), .object(container)],
        "ips": [.object(four), .object(six)],
        "routes": [["dst": "0.0.0.0/0", "gw": "169.254.1.1"], ["dst": "::/0", "gw": "fe80::1"]],
        "dns": ["nameservers": ["10.1.0.53"]],
      ])
    let request = lab.daemon.attached("c0ffee-eth0")
    #expect(request?.addresses == ["10.1.0.5/32", "fd00::5/128"])
    #expect(request?.namespace == "/run/netns/c0ffee")
    #expect(request?.network == "tenants")
    #expect(request?.policy == "web")
    #expect(lab.ipamCalls == ["ADD"])
    #expect(lab.ipamInput?["name"] == "tenants", "the configuration goes to IPAM as it came")
  }

  @Test func `capability arguments and CNI_ARGS reach xskd`() throws {
    let lab = try PluginLab()
    let answer = try lab.run(
      "ADD",
      [
        "cniVersion": "1.1.0", "uid": 1000, "quota": ["frames": 4096],
        "dns": ["nameservers": ["192.0.2.53"]],
        "runtimeConfig": [
          "mac": "02:11:22:33:44:55", "ips": ["10.2.0.9", "fd00::9/64"], "deviceID": "0000:3b:00.1",
          "cgroupPath": "/machine/c0ffee",
          "bandwidth": ["ingressRate": 1_000_000, "ingressBurst": 8000, "egressRate": 0, "egressBurst": 0],
        ],
      ], environment: ["CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=front"])
    #expect(answer.status == 0, "\(answer.text)")
    let request = try #require(lab.daemon.attached("c0ffee-eth0"))
    #expect(request.name == "web/front")
    #expect(request.mac == "02:11:22:33:44:55")
    #expect(request.addresses == ["10.2.0.9/32", "fd00::9/128"])
    #expect(request.deviceID == "0000:3b:00.1")
    #expect(request.cgroup == "/machine/c0ffee")
    #expect(request.bandwidth == .init(ingressRate: 1_000_000, ingressBurst: 8000))
    #expect(request.quota == .init(frames: 4096))
    #expect(request.uid == 1000)
    #expect(answer.json?["interfaces"]?.array?[1]["pciID"] == "0000:3b:00.1")
    #expect(answer.json?["dns"] == ["nameservers": ["192.0.2.53"]])
    #expect(lab.ipamCalls.isEmpty)
  }

  @Test func `a VLAN's container keeps its network and gateway`() throws {
    let lab = try PluginLab()
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"], "vlan": 7])
    #expect(answer.status == 0, "\(answer.text)")
    let request = try #require(lab.daemon.attached("c0ffee-eth0"))
    #expect(request.vlan == 7)
    #expect(request.addresses == ["10.1.0.5/24", "fd00::5/64"])
    #expect(request.routes == [.init(destination: "0.0.0.0/0", gateway: "10.1.0.1")])
    #expect(answer.json?["ips"]?.array?[0]["gateway"] == "10.1.0.1")
    let without = try lab.run("ADD", ["cniVersion": "1.0.0", "vlan": 8], environment: ["CNI_IFNAME": "eth1"])
    #expect(without.status == 0, "in a VLAN there may be no address: \(without.text)")
  }

  @Test func `the result of the plugin before is kept`() throws {
    let lab = try PluginLab()
    let previous: JSONValue = [
      "cniVersion": "1.0.0", "interfaces": [["name": "other0", "x": 1]],
      "ips": [["address": "10.9.0.1/24", "interface": 0]],
      "routes": [["dst": "10.9.0.0/16"]], "dns": ["nameservers": ["192.0.2.1"]],
    ]
    let answer = try lab.run(
      "ADD", ["cniVersion": "1.0.0", "runtimeConfig": ["ips": ["10.2.0.9"]], "prevResult": previous])
    #expect(answer.json?["interfaces"]?.array?.map { $0["name"] } == ["other0", "xskt0123456789a", "eth0"])
    #expect(answer.json?["ips"]?.array?.map { $0["interface"] } == [0, 2])
    #expect(answer.json?["routes"]?.array?.map { $0["dst"] } == ["10.9.0.0/16", "0.0.0.0/0"])
    #expect(answer.json?["dns"] == ["nameservers": ["192.0.2.1"]])
  }

  @Test(arguments: [(400, 7), (404, 3), (409, 100), (503, 11), (500, 101)])
  func `IPAM's addresses are given back when xskd refuses`(status: Int, code: Int) throws {
    let lab = try PluginLab()
    lab.daemon.set { $0.mood = .refusing(status, "eth0: no; do otherwise") }
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.status == 1)
    #expect(answer.code == code)
    #expect(answer.message == "eth0: no; do otherwise")
    #expect(lab.ipamCalls == ["ADD", "DEL"])
  }

  @Test func `what xskd did without saying so is undone`() throws {
    let lab = try PluginLab()
    lab.daemon.set { $0.mood = .silent }
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.code == 11)
    #expect(lab.daemon.requests == ["PUT /v1/tenants/c0ffee-eth0", "DELETE /v1/tenants/c0ffee-eth0"])
    #expect(lab.ipamCalls == ["ADD", "DEL"])
  }

  @Test func `nothing is asked of a plugin that is not xskd`() throws {
    let lab = try PluginLab()
    lab.daemon.set { $0.mood = .foreign }
    #expect(try lab.run("ADD", ["cniVersion": "1.0.0", "runtimeConfig": ["ips": ["10.0.0.1"]]]).code == 5)
    lab.daemon.end()
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "runtimeConfig": ["ips": ["10.0.0.1"]]])
    #expect(answer.code == 11)
    #expect(answer.message.contains("start it"))
  }

  @Test(
    arguments: [
      // As host-local 1.1.1 of Debian 12 has them.
      ("ADD", #"{"code": 1, "msg": "incompatible CNI versions", "details": "config is \"1.1.0\""}"#),
      ("STATUS", #"{"code": 4, "msg": "unknown CNI_COMMAND: STATUS"}"#),
    ])
  func `an IPAM plugin that is older than the configuration is told from one that refuses`(
    command: String, says: String
  ) throws {
    let lab = try PluginLab()
    try lab.setIPAM(command, says: says, status: 1)
    let answer = try lab.run(command, ["cniVersion": "1.1.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.status == 1)
    #expect(answer.message.contains("write one that both have"), "\(answer.text)")
    #expect(
      answer.message.contains("fake-ipam: \(command == "ADD" ? "incompatible CNI versions" : "unknown CNI_COMMAND")"))
    #expect(lab.daemon.requests.filter { $0.contains("PUT") }.isEmpty)
  }

  @Test func `an IPAM plugin's own error is passed on`() throws {
    let lab = try PluginLab()
    try lab.setIPAM(
      "ADD", says: #"{"cniVersion":"1.0.0","code":11,"msg":"no addresses left","details":"d"}"#, status: 1)
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.status == 1)
    #expect(answer.code == 11)
    #expect(answer.message == "ipam fake-ipam: no addresses left")
    #expect(answer.json?["details"] == "d")
    #expect(lab.ipamCalls == ["ADD"], "what was not given is not given back")
    #expect(lab.daemon.requests.isEmpty)
  }

  @Test(arguments: [
    ("no json", 0, 6), ("{}", 0, 6), (#"{"ips": [{"address": "10.0.0.300/24"}]}"#, 0, 7),
    (#"{"ips": [{"address": "10.0.0.3/33"}]}"#, 0, 7), (#"{"ips": [7]}"#, 0, 6), ("gone wrong", 3, 102), ("", 0, 6),
  ])
  func `an IPAM plugin's nonsense is an error`(text: String, status: Int, code: Int) throws {
    let lab = try PluginLab()
    try lab.setIPAM("ADD", says: text, status: status)
    let answer = try lab.run("ADD", ["cniVersion": "1.0.0", "ipam": ["type": "fake-ipam"]])
    #expect(answer.code == code, "\(answer.text)")
    #expect(lab.ipamCalls == (status == 0 ? ["ADD", "DEL"] : ["ADD"]))
    #expect(lab.daemon.requests.isEmpty)
  }
}
