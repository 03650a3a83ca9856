import TenantAPI
import Testing

@testable import CNIPlugin

@Suite struct RefusalTests {
  @Test(arguments: [
    ("ADD", "CNI_CONTAINERID"), ("ADD", "CNI_NETNS"), ("ADD", "CNI_IFNAME"), ("CHECK", "CNI_CONTAINERID"),
    ("CHECK", "CNI_NETNS"), ("CHECK", "CNI_IFNAME"), ("DEL", "CNI_CONTAINERID"), ("DEL", "CNI_IFNAME"),
    ("GC", "CNI_PATH"),
  ])
  func `a missing variable is named`(command: String, variable: String) throws {
    let lab = try PluginLab()
    let answer = try lab.run(command, ["cniVersion": "1.1.0"], environment: [variable: ""])
    #expect(answer.status == 1)
    #expect(answer.code == 4)
    #expect(answer.message.contains(variable))
  }

  @Test(arguments: [
    ("CNI_COMMAND", "EAT"), ("CNI_CONTAINERID", "../up"), ("CNI_CONTAINERID", "-x"), ("CNI_CONTAINERID", "a b"),
    ("CNI_CONTAINERID", String(repeating: "a", count: 125)), ("CNI_IFNAME", "averyverylongname"), ("CNI_IFNAME", "a/b"),
    ("CNI_IFNAME", "."), ("CNI_IFNAME", ".."), ("CNI_IFNAME", "a:b"), ("CNI_ARGS", "novalue"),
  ])
  func `a wrong variable is named`(variable: String, value: String) throws {
    let lab = try PluginLab()
    let answer = try lab.run("ADD", ["cniVersion": "1.1.0"], environment: [variable: value])
    #expect(answer.status == 1)
    #expect(answer.code == 4)
    #expect(answer.message.contains(variable))
    #expect(lab.daemon.requests.isEmpty)
  }

  @Test func `without a command it says what it is`() throws {
    let lab = try PluginLab()
    let answer = try lab.run("", input: [], environment: [:])
    #expect(answer.code == 4)
    #expect(answer.message.contains("container runtimes"))
  }

  @Test(arguments: ["", "no json", "[]", "7", "{\"cniVersion\": \"1.0.0\""])
  func `input that is no JSON object is refused`(input: String) throws {
    let lab = try PluginLab()
    for command in ["ADD", "DEL", "CHECK", "STATUS", "GC"] {
      let answer = try lab.run(command, input: Array(input.utf8))
      #expect(answer.status == 1)
      #expect(answer.code == 6)
      #expect(answer.json?["cniVersion"] == "1.1.0")
    }
  }

  @Test(arguments: ["0.1.0", "0.2.0", "0.3.0", "1.2.0", "x", ""])
  func `versions that are not spoken are refused`(version: String) throws {
    let lab = try PluginLab()
    for command in ["ADD", "DEL", "CHECK", "STATUS", "GC"] {
      let answer = try lab.run(command, ["cniVersion": .string(version)])
      #expect(answer.code == 1)
      #expect(answer.message.contains("1.1.0"))
    }
  }

  @Test(arguments: [("CHECK", "0.3.1"), ("STATUS", "1.0.0"), ("GC", "1.0.0"), ("GC", "0.3.1")])
  func `commands that a version does not know are refused`(command: String, version: String) throws {
    let lab = try PluginLab()
    let answer = try lab.run(command, ["cniVersion": .string(version), "cni.dev/valid-attachments": []])
    #expect(answer.code == 1)
    #expect(answer.json?["cniVersion"] == .string(version))
  }

  @Test(
    arguments: [
      (["polcy": "web"], 2), (["ipMasq": true], 2), (["mtu": "big"], 7), (["mtu": 67], 7), (["vlan": 4095], 7),
      (["name": "a/b"], 7), (["name": 7], 7), (["policy": 7], 7), (["ipam": ["type": "../evil"]], 7),
      (["ipam": ["x": 1]], 7),
      (["ipam": ["type": "not-there"]], 7), (["quota": ["frames": 0]], 7), (["quota": ["disk": 1]], 7),
      (["uid": -1], 7),
      (["runtimeConfig": ["ips": ["10.0.0.x"]]], 7), (["runtimeConfig": ["ips": "10.0.0.1"]], 7),
      (["runtimeConfig": ["mac": 7, "ips": ["10.0.0.1"]]], 7), ([:], 7),
      (["runtimeConfig": ["bandwidth": ["ingressRate": -1], "ips": ["10.0.0.1"]]], 7),
    ] as [([String: JSONValue], Int)])
  func `a wrong configuration is refused before anything is made`(members: [String: JSONValue], code: Int) throws {
    let lab = try PluginLab()
    let answer = try lab.run("ADD", members.merging(["cniVersion": "1.0.0"]) { $1 })
    #expect(answer.status == 1)
    #expect(answer.code == code, "\(answer.text)")
    #expect(answer.message.contains(members.keys.sorted().first { $0 != "runtimeConfig" } ?? ""))
    #expect(lab.daemon.requests.isEmpty)
  }

  @Test(arguments: [
    ("\"policy\": \"a\", \"policy\": \"b\"", "policy"),
    ("\"policy\": \"a\", \"p\\u006flicy\": \"a\"", "policy"),
    ("\"runtimeConfig\": {\"ips\": [\"10.0.0.1\"], \"mac\": \"x,\\\"\", \"ips\": []}", "runtimeConfig.ips"),
    ("\"args\": {\"cni\": [{\"a\": 1}, {\"b\": {}, \"b\": 2}]}", "args.cni.b"),
  ])
  func `a key that is there twice is named`(members: String, key: String) throws {
    let lab = try PluginLab()
    let input = Array("{\"cniVersion\": \"1.1.0\", \"name\": \"net\", \"type\": \"xsk-cni\", \(members)}".utf8)
    let answer = try lab.run("ADD", input: input)
    #expect(answer.status == 1)
    #expect(answer.code == 7, "\(answer.text)")
    #expect(answer.message == "\(key): there more than once; leave one of them")
    #expect(lab.daemon.requests.isEmpty)
    // What is cleaned up is known by other things.
    #expect(try lab.run("DEL", input: input).status == 0)
  }

  @Test func `equal keys of different objects are no repetition`() throws {
    let json = #"{"a": {"a": [{"a": 1}, {"a": "a"}], "b": "{\"b\": 1, \"b\": 2}"}, "b": ["a", "a"]}"#
    #expect(RepeatedKey.first(in: Array(json.utf8)) == nil)
  }

  @Test func `fields that runtimes add are taken`() throws {
    let lab = try PluginLab()
    let answer = try lab.run(
      "ADD",
      [
        "cniVersion": "1.0.0", "args": ["cni": ["ips": ["10.0.0.1"]]], "capabilities": ["mac": true],
        "cni.dev/anything": 1, "ipMasq": false, "prevResult": .null,
      ])
    #expect(answer.status == 0, "\(answer.text)")
  }
}
