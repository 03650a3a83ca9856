import Testing

@testable import CNIPlugin

/// With the IPAM plugin that most people use, as Debian has it.
@Suite struct HostLocalTests {
  @Test(arguments: ["0.3.1", "0.4.0", "1.0.0"]) func `host-local gives addresses and takes them back`(version: String)
    throws
  {
    let lab = try PluginLab()
    let ipam: JSONValue = [
      "type": "host-local", "dataDir": .string("\(lab.directory)/ipam"),
      "ranges": [[["subnet": "10.77.0.0/30"]], [["subnet": "fd77::/64"]]],
    ]
    let configuration: [String: JSONValue] = ["cniVersion": .string(version), "ipam": ipam]
    func run(_ command: String, _ container: String, _ more: [String: JSONValue] = [:]) throws -> PluginLab.Answer {
      try lab.run(
        command, configuration.merging(more) { $1 },
        environment: ["CNI_PATH": "/opt/cni/bin:/usr/lib/cni", "CNI_CONTAINERID": container])
    }
    let first = try run("ADD", "one")
    #expect(first.status == 0, "\(first.text)")
    #expect(first.json?["ips"]?.array?.map { $0["address"] } == ["10.77.0.2/32", "fd77::2/128"])
    if version != "0.3.1" {
      let check = try run("CHECK", "one", ["prevResult": first.json ?? .null])
      #expect(check.status == 0, "\(check.text)")
    }
    // A /30 has one address beside its gateway's.
    let second = try run("ADD", "two")
    #expect(second.status == 1)
    #expect(second.message.contains("ipam host-local"))
    #expect(try run("DEL", "one").status == 0)
    #expect(try run("DEL", "one").status == 0)
    #expect(try run("ADD", "two").status == 0)
    // What xskd refuses leaves no address taken.
    #expect(try run("DEL", "two").status == 0)
    lab.daemon.set { $0.mood = .refusing(503, "all slots are in use; wait") }
    #expect(try run("ADD", "three").code == 11)
    lab.daemon.set { $0.mood = .well }
    #expect(try run("ADD", "four").status == 0)
  }
}
