import Foundation
import MetricsParser
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

extension OnVeth {
  /// Containers with queues of a physical device, which others have queues of, too.
  @Suite struct PhysicalQueueTests {
    @Test func `each tenant gets its own queue's packets and can send, and other queues are the host's`() throws {
      let lab = try QueueLab()
      let (one, two) = (try lab.attach("one"), try lab.attach("two"))
      #expect(one.queues == [2] && two.queues == [3])
      #expect(try one.namespace.links().map(\.name) == ["lo"], "no interface in the container")
      let engines = try [one, two].map { try $0.startEngine("reflect") }
      let (outside, host) = (
        try PacketSocket(in: lab.far, device: "f0"), try PacketSocket(in: lab.host, device: "eth2")
      )
      let frames = NumberedFrame.series(100)
      try lab.send(frames, queue: 2)
      let answers = try outside.receive(100, timeout: .seconds(10))
      #expect(answers.map { Array($0.dropFirst(12)) } == frames.map { Array($0.dropFirst(12)) })
      try lab.send(Array(frames.prefix(30)), queue: 3)
      #expect(try outside.receive(30, timeout: .seconds(10)).count == 30)
      // A queue that nobody has, and one that isn't in the pool.
      for queue in [0, 1] { try lab.send(Array(frames.prefix(10)), queue: queue) }
      #expect(try host.receive(20, timeout: .seconds(10)).count == 20)
      #expect(try QueueLab.end(engines[0]).contains("received   100 packets"))
      #expect(try QueueLab.end(engines[1]).contains("received   30 packets"))
      // Its socket went with the process: the queue's packets are the host's.
      try lab.send(Array(frames.prefix(10)), queue: 2)
      #expect(try host.receive(10, timeout: .seconds(10)).count == 10)
      try lab.client.detach("one")
      try lab.client.detach("two")
      #expect(try lab.serve.node.leftovers() == ["_queues"])
      try lab.serve.stop()
    }

    @Test func `the attachment tells about itself, and what is the device's stays with the daemon`() throws {
      let lab = try QueueLab("version: 1\nquota: {sockets: 2}\nqueues: {fast: {device: eth2, queues: [3, 1]}}\n")
      let guest = try lab.attach("one") {
        $0.addresses = ["192.0.2.7/24", "2001:db8::7/64"]
        $0.deviceID = "fast"
      }
      #expect(guest.queues == [1, 3])
      #expect(
        try guest.ask("/xsk_device", "/xsk_quota", "/xsk_address,0", "/xsk_address,1", "/xsk_address,2") == [
          "/xsk_device_ack,net1,mtu=1500,mac=02:00:00:00:02:01,tier=physical-queue,link=up,addresses=2",
          "/xsk_quota_ack,sockets=2,frames=8192,bytes=16777216", "/xsk_address_ack,192.0.2.7/24",
          "/xsk_address_ack,2001:db8::7/64", "/xsk_address_nak",
        ])
      for name in ["eth2", "net1"] { #expect(try guest.ask("/version", "/xsk_map_fd,\(name)") == ["0.1", "(closed)"]) }
      #expect(try guest.lend("/xsk_socket,1").hasSuffix(",zc=0 !1"))
      #expect(try guest.lend("/xsk_socket,2") == "/xsk_socket_nak,queue 2: over the quota of 2 socket(s)")
      // Two workers, or one with both: the tenant's queues 0 and 1.
      let engine = try guest.startEngine("drop")
      for queue in [1, 3] { try lab.send(NumberedFrame.series(20), queue: queue) }
      #expect(try QueueLab.end(engine).contains("received   40 packets"), "\(engine.output)")
      #expect(try lab.client.check("one").problems == [])
      try lab.serve.stop()
    }

    @Test func `two attachments of a container are joined, and polled busily, with one memory`() throws {
      let lab = try QueueLab()
      let first = try lab.attach("one")
      let second = try lab.client.attach("one-2", QueueLab.request(first.namespace) { $0.device = "net2" })
      #expect(second.physicalQueues?.queues == [3])
      let run = try first.start([
        BuiltPrograms.xskfwd, "forward", "--attach", first.path, "--attach", second.socketPath, "--idle", "busy-poll",
      ])
      try #require(run.waitForOutput("running"), "\(run.output) \(run.errors)")
      let outside = try PacketSocket(in: lab.far, device: "f0")
      try lab.send(NumberedFrame.series(60), queue: 2)
      #expect(try outside.receive(60, timeout: .seconds(10)) == NumberedFrame.series(60))
      #expect(try QueueLab.end(run).contains("received   60 packets"), "\(run.output)")
      #expect(!run.errors.contains("refused"), "\(run.errors)")
      #expect(run.output.contains("net1: copy") && run.output.contains("net2: copy"), "\(run.output)")
      try lab.serve.stop()
    }

    @Test func `queues are given until there are none, and again when they are free`() throws {
      let lab = try QueueLab("version: 1\nquota: {sockets: 2}\nqueues: {fast: {device: eth2}}\n")
      let one = try lab.attach("one") { $0.quota = .init(sockets: 1) }
      let two = try lab.attach("two")
      #expect(one.queues == [0] && two.queues == [1, 2])
      let full = try #require(try lab.refusal("three"))
      #expect(full.status == 503)
      #expect(full.reason.contains("queues of eth2: 1 free, 2 wanted: 3 in use; detach a tenant"), "\(full)")
      #expect(try lab.refusal("four") { $0.quota = .init(sockets: 3) }?.status == 400)
      #expect(try lab.attach("five") { $0.quota = .init(sockets: 1) }.queues == [3])
      #expect(try lab.refusal("six") { $0.quota = .init(sockets: 1) }?.reason.contains("0 free, 1 wanted") == true)
      // Asked again for the same it answers the same.
      let again = try lab.client.attach("two", QueueLab.request(two.namespace))
      #expect(again == two.tenant)
      do throws(DaemonError) {
        _ = try lab.client.attach("two", QueueLab.request(two.namespace) { $0.quota = .init(sockets: 1) })
        Issue.record("it was attached otherwise")
      } catch {
        guard case .refused(409, _) = error else { throw error }
      }
      try lab.client.detach("two")
      #expect(try lab.attach("seven").queues == [1, 2])
      try lab.serve.stop()
    }

    @Test(
      arguments: [
        (\AttachRequest.policy, "default", "policy: not to be had with a physical queue"),
        (\.mac, "02:00:00:00:00:09", "mac: the device's own"),
        (\.deviceID, "eth9", "deviceID eth9: no device whose queues"),
        (\.tier, "queue-lease", "tier queue-lease: not one that this xskd offers"),
      ] as [(WritableKeyPath<AttachRequest, String?> & Sendable, String, String)])
    func `what nobody would see to is refused`(
      key: WritableKeyPath<AttachRequest, String?> & Sendable, value: String, reason: String
    ) throws {
      let lab = try QueueLab()
      let refusal = try #require(try lab.refusal("one") { $0[keyPath: key] = value })
      #expect(refusal.status == 400 && refusal.reason.contains(reason), "\(refusal)")
      for change in [
        { $0.mtu = 1500 }, { $0.vlan = 7 }, { $0.bandwidth = .init(ingressRate: 1000) },
        { $0.routes = [.init(destination: "0.0.0.0/0", gateway: "10.1.0.1")] }, { $0.addresses = ["10.1.0.5"] },
        { $0.device = "a b" },
      ] as [(inout AttachRequest) -> Void] {
        #expect(try lab.refusal("one", change)?.status == 400)
      }
      #expect(try lab.serve.node.leftovers() == ["_queues"])
    }

    @Test func `a node says when it has no device for it, or several`() throws {
      let none = try QueueLab("version: 1\n")
      let refusal = try none.refusal("one")
      #expect(refusal?.status == 400 && refusal?.reason.contains("no device of this node is there for it") == true)
      #expect(
        try none.serve.xskd("show", "status").output.contains("tier physical-queue: not available: the configuration"))
      let two = try QueueLab("version: 1\nqueues: {fast: {device: eth2}, late: {device: eth3}}\n")
      #expect(
        try two.refusal("one")?.reason.contains("deviceID: missing, and there are several; use one of eth2, eth3")
          == true)
      #expect(try two.attach("one") { $0.deviceID = "eth2" }.queues == [0])
      let absent = try two.refusal("two") { $0.deviceID = "late" }
      #expect(
        absent?.status == 503 && absent?.reason.contains("eth3: no such interface") == true,
        "\(String(describing: absent))")
    }

    @Test func `the operator sees who has which queue`() throws {
      let lab = try QueueLab(options: [])
      let guest = try lab.attach("one")
      let check = try lab.host.run([BuiltPrograms.xskd, "check", "--config", lab.serve.configuration])
      #expect(check.output.contains("tier physical-queue: available"), "\(check)")
      try lab.write("version: 1\nqueues: {fast: {device: eth2, queues: [4]}}\n")
      let wrong = try lab.host.run([BuiltPrograms.xskd, "check", "--config", lab.serve.configuration])
      #expect(wrong.status == .exited(2) && wrong.errors.contains("xskd.yaml:2:39: queues.fast.queues"), "\(wrong)")
      let tenants = try lab.serve.xskd("show", "tenants").output
      #expect(tenants.contains("eth2 queue 2") && tenants.contains("02:00:00:00:02:01  -"), "\(tenants)")
      let status = try lab.serve.xskd("show", "status").output
      #expect(status.contains("0 of 64 slots"), "\(status)")
      #expect(
        status.contains("eth2: can: pool fast; queues 2, 3: 1 free, 1 used; copy mode, its driver has no zero-copy"),
        "\(status)")
      let page = try MetricsParser(String(decoding: try lab.client.ask("GET", "/metrics"), as: UTF8.self))
      let pool = ["pool": "fast", "device": "eth2"]
      #expect(try page.value("xskd_queue_pool_ready", pool) == 1)
      for (state, count) in ["free": 1.0, "used": 1, "held": 0, "missing": 0] {
        #expect(try page.value("xskd_queue_pool_queues", pool.merging(["state": state]) { $1 }) == count)
      }
      #expect(try page.value("xskd_queue_tenant", pool.merging(["queue": "2", "tenant": "one"]) { $1 }) == 1)
      let runs = eventually { (try? lab.client.availability())?.dataplane.state == "running" }
      try #require(runs, "\(lab.serve.process.errors)")
      let counters = try lab.serve.xskd("show", "counters")
      #expect(
        counters.output
          == "one  one  eth2 queue 2: not counted here; see its own counters (XDP_STATISTICS), and ethtool -S eth2\n")
      do throws(DaemonError) {
        _ = try lab.client.ask("POST", "/v1/tenants/one/drain")
        Issue.record("nobody can drain it")
      } catch {
        guard case .refused(400, let reason) = error else { throw error }
        #expect(reason.contains("eth2 queue 2: the dataplane has none of its packets"))
      }
      #expect(guest.tenant.policy.isEmpty && guest.tenant.hostDevice == "eth2")
      try lab.serve.stop()
    }
  }
}
