import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// Real containers: podman, runc, and its CNI network backend.
@Suite(.serialized) struct PodmanTests {
  @Test func `podman's containers are attached by the plugin, and have no capability`() throws {
    let lab = try PodLab(options: ["--dataplane", "external"])
    let one = try lab.start(
      "one",
      [
        "--mac-address", "02:00:00:00:00:77", "--volume", "\(lab.node.places.tenantsDirectory):/run/xsk:ro",
      ])
    #expect(one.mac == "02:00:00:00:00:77")
    #expect(one.network == "tenants-default")
    let status = try lab.inside("one", "cat", "/proc/self/status").output
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
      #expect(status.contains("\(set):\t0000000000000000"), "\(status)")
    }
    let address = try #require(one.addresses.first?.split(separator: "/").first)
    #expect(try lab.run(["ping", "-c", "1", "-W", "2", String(address)]).succeeded)
    let gateway = try lab.ping(from: one, "169.254.1.1")
    #expect(gateway.succeeded, "\(gateway)")
    #expect(try lab.inside("one", "ls", "/run/xsk/\(one.id)").output.contains("afxdp.sock"))
    // What the plugin made is there, by the plugin's own word: podman's is only the interface's name.
    #expect(try lab.client.check(one.id).problems == [])
    // A daemon that is down doesn't keep the container from ending, and the next one cleans up.
    lab.killDaemon()
    _ = try lab.podman("rm", "--force", "--time", "0", "one")
    try lab.startDaemon()
    #expect(try eventually { try lab.client.tenants().isEmpty })
    let next = try lab.start("two")
    #expect(try lab.podman("rm", "--force", "--time", "0", "two").succeeded)
    #expect(try lab.client.tenants().map(\.id) == [], "\(next)")
    #expect(try lab.node.leftovers() == [])
  }

  /// world ── w0 ═ up0 ── node ── containers
  private func lab() throws -> (PodLab, NetworkNamespace) {
    let world = try NetworkNamespace("world")
    let mac: LinkAddress = "02:00:00:00:aa:01"
    let lab = try PodLab(
      """
      version: 1
      uplinks: {wan: {device: up0, addresses: [192.0.2.10/24]}}
      capacity: {tenants: 8}
      neighbours: {192.0.2.1: {mac: "\(mac)", port: wan}}
      routes: [{prefix: 0.0.0.0/0, via: 192.0.2.1}]
      policies:
        closed:
          ingress: {default: drop, rules: [{name: web, match: {protocol: tcp, dport: 80}, then: accept}]}
      """, policies: ["default", "closed"]
    ) { node in
      _ = try VethPair(
        VethEnd("w0", in: world, address: mac, addresses: ["192.0.2.1/24"]),
        VethEnd("up0", in: node.host, addresses: ["192.0.2.10/24"]))
      let routed = try world.run(["ip", "route", "add", "10.88.0.0/16", "via", "192.0.2.10"])
      try #require(routed.succeeded, "\(routed)")
    }
    try #require(eventually { lab.node.dataplane != nil }, "\(lab.daemon.errors)")
    return (lab, world)
  }

  @Test func `containers reach each other and the world through policy, whoever is killed meanwhile`() throws {
    let (lab, world) = try lab()
    let (one, two) = (try lab.start("one"), try lab.start("two"))
    let three = try lab.start("three", policy: "closed")
    func address(_ tenant: AttachedTenant) -> String { String(tenant.addresses[0].prefix { $0 != "/" }) }
    func reaches(_ tenant: AttachedTenant, _ target: String) throws -> Bool {
      // The first packet may come before the dataplane has all of it.
      try eventually { try lab.ping(from: tenant, target).succeeded }
    }
    func everybodyReaches(sourceLocation: SourceLocation = #_sourceLocation) throws {
      #expect(try reaches(one, address(two)), sourceLocation: sourceLocation)
      #expect(try reaches(two, "192.0.2.1"), sourceLocation: sourceLocation)
      let inward = try eventually {
        try world.run(["ping", "-c", "1", "-W", "2", address(one)]).succeeded
      }
      #expect(inward, sourceLocation: sourceLocation)
    }
    func traffic(_ tenant: AttachedTenant) throws -> FollowedTenant.Traffic? {
      let counters = try JSONDecoder().decode(
        [String: [FollowedTenant]].self, from: Data(try lab.client.ask("GET", "/v1/counters")))
      return counters["tenants"]?.first { $0.traffic.tenant == tenant.id }?.traffic
    }
    try everybodyReaches()
    // The first packet may be dropped for another reason: that the tenant's device is not taken yet.
    let isClosed = try eventually {
      #expect(try !lab.ping(from: one, address(three)).succeeded)
      return try traffic(three)?.ingress.dropped["acl_closed"] ?? 0 > 0
    }
    #expect(isClosed)
    // Root on the node, in the container's namespace, does what the container might if it had a capability.
    try lab.run(["nsenter", "--net=\(one.namespace)", "ip", "address", "add", "10.66.6.6/32", "dev", "eth0"])
    let spoofed = try lab.run(
      ["nsenter", "--net=\(one.namespace)", "ping", "-c", "1", "-W", "1", "-I", "10.66.6.6", address(two)])
    #expect(!spoofed.succeeded)
    #expect(try #require(try traffic(one)).egress.dropped["spoofed_address"] ?? 0 > 0)

    let first = try #require(lab.node.dataplane)
    lab.killDaemon()
    try everybodyReaches()
    try lab.startDaemon()
    #expect(lab.node.dataplane == first, "it was found again")
    Glibc.kill(first, SIGKILL)
    #expect(eventually { lab.node.dataplane.map { $0 != first } ?? false })
    try everybodyReaches()
    let second = try #require(lab.node.dataplane)
    lab.killDaemon()
    Glibc.kill(second, SIGKILL)
    try lab.startDaemon()
    #expect(eventually { lab.node.dataplane.map { $0 != second } ?? false })
    try everybodyReaches()
    #expect(try lab.client.tenants().count == 3)
    for tenant in [one, two, three] {
      // One has an address more than it was given.
      #expect(try lab.client.check(tenant.id).problems == [])
    }
    _ = try lab.podman("rm", "--force", "--time", "0", "--all")
    #expect(try lab.node.leftovers() == [])
  }

  @Test func `a container without privileges has AF_XDP, and another one talks to it`() throws {
    let (lab, _) = try lab()
    let echo = try lab.start(
      "echo",
      [
        "--ulimit", "memlock=0:0", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--volume",
        "\(lab.node.places.tenantsDirectory):/run/xsk:ro",
      ]
        + (try lab.volumes(for: BuiltPrograms.containerEcho)),
      command: ["/bin/sh", "-c", "exec \(BuiltPrograms.containerEcho) /run/xsk/$HOSTNAME*-eth0/afxdp.sock 600"])
    let answers = try eventually { try lab.podman("logs", "echo").output.contains("answering on eth0") }
    let logs = try lab.podman("logs", "echo")
    #expect(answers, "\(logs)")
    let status = try lab.inside("echo", "cat", "/proc/1/status").output
    for set in ["CapPrm", "CapEff", "CapBnd"] { #expect(status.contains("\(set):\t0000000000000000"), "\(status)") }
    let other = try lab.start("other")
    let target = String(echo.addresses[0].prefix { $0 != "/" })
    #expect(try eventually { try lab.ping(from: other, target).succeeded })
    let shown = try lab.run([BuiltPrograms.xskd, "show", "tenants", "--run-directory", lab.node.places.runDirectory])
    // The last column: the echo program has a socket, the other container none.
    #expect(shown.output.contains("  1\n") && shown.output.contains("  0\n"), "\(shown)")
  }
}
