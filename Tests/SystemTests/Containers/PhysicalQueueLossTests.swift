import Foundation
import Glibc
import MetricsParser
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

extension OnVeth {
  /// Queues and sockets that are gone: who is told, and where packets go then.
  @Suite struct PhysicalQueueLossTests {
    @Test func `a device made anew while no daemon ran is put right, and what is lost is told`() throws {
      let lab = try QueueLab()
      let (guest, idle) = (try lab.attach("one"), try lab.attach("two"))
      let engine = try guest.startEngine("drop")
      lab.serve.process.kill()
      // Held, as by a program that doesn't look: its socket stays in the map.
      engine.signal(SIGSTOP)
      try lab.far.delete("f0")
      try lab.connect()
      try lab.serve.killAndRestart()
      let host = try PacketSocket(in: lab.host, device: "eth2")
      try lab.send(NumberedFrame.series(20), queue: 2)
      #expect(try host.receive(20, timeout: patience).count == 20, "they are the host's until the container asks again")
      let pools = try #require(try lab.client.availability().queues)
      #expect(
        pools[0].queues == [
          .init(queue: 2, state: .used, tenant: "one", isLost: true), .init(queue: 3, state: .used, tenant: "two"),
        ])
      let status = try lab.serve.xskd("show", "status").output
      #expect(status.contains("queue 2 of one: socket lost, to be asked for again by its process"), "\(status)")
      let problem = "the socket on queue 2 of eth2 is lost: its process has to ask for another"
      #expect(try lab.client.check("one").problems == [problem])
      #expect(try lab.client.check("two").problems == [])
      #expect(try lab.serve.xskd("show", "tenants").output.contains("one: \(problem)"))
      #expect(try lab.ready("2", "one") == 0 && lab.ready("3", "two") == 1)
      engine.signal(SIGCONT)
      try #require(engine.waitForOutput("net1 queue 0: back"), "\(engine.errors)")
      #expect(engine.errors.contains("net1 queue 0: lost") || engine.output.contains("net1 queue 0: lost"))
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   10 packets"), "\(engine.output)")
      #expect(try lab.client.check("one").problems == [])
      #expect(try lab.ready("2", "one") == 1)
      #expect(try idle.lend().hasSuffix("!1"))
      try lab.serve.stop()
    }

    @Test func `a device that moved out and in again has lost its sockets, too`() throws {
      let lab = try QueueLab()
      let engine = try lab.attach("one").startEngine("drop")
      lab.serve.process.kill()
      engine.signal(SIGSTOP)
      // The program stays on it, and its number may, too.
      for (from, to) in [(lab.host, lab.far), (lab.far, lab.host)] {
        let moved = try from.run(["ip", "link", "set", "eth2", "netns", "/proc/\(getpid())/fd/\(to.fd)"])
        try #require(moved.succeeded, "\(moved)")
      }
      // It is down by then, and no less looked at.
      try lab.serve.killAndRestart()
      try #require(try lab.host.run(["ip", "link", "set", "eth2", "up"]).succeeded)
      let isReady = try eventually { try lab.client.availability().queues?.first?.problem == nil }
      #expect(isReady)
      let host = try PacketSocket(in: lab.host, device: "eth2")
      try lab.send(NumberedFrame.series(20), queue: 2)
      #expect(try host.receive(20, timeout: patience).count == 20)
      engine.signal(SIGCONT)
      try #require(engine.waitForOutput("net1 queue 0: back"), "\(engine.errors)")
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   10 packets"), "\(engine.output)")
      try lab.serve.stop()
    }

    @Test func `the operator sees queues that vanished from under their tenants`() throws {
      let lab = try QueueLab("version: 1\nquota: {sockets: 4}\nqueues: {fast: {device: eth2}}\n")
      let guest = try lab.attach("one")
      try #require(guest.queues == [0, 1, 2, 3])
      try lab.far.delete("f0")
      let isGone = try eventually { try lab.queues().allSatisfy { $0.state == .missing && $0.tenant == "one" } }
      #expect(isGone)
      #expect(try lab.serve.xskd("show", "status").output.contains("4 missing; queues 0, 1, 2, 3 of one: gone"))
      _ = try VethPair(
        VethEnd("f0", in: lab.far, rxQueues: 2, txQueues: 2),
        VethEnd("eth2", in: lab.host, address: QueueLab.mac, rxQueues: 2, txQueues: 2))
      let isBack = try eventually { try lab.queues().map(\.state) == [.used, .used, .missing, .missing] }
      #expect(isBack)
      let status = try lab.serve.xskd("show", "status").output
      #expect(status.contains("2 used, 2 missing"), "\(status)")
      #expect(status.contains("queues 2, 3 of one: gone"), "\(status)")
      let tenants = try lab.serve.xskd("show", "tenants").output
      #expect(tenants.contains("one: eth2 has no queue 2\none: eth2 has no queue 3"), "\(tenants)")
      #expect(try lab.ready("1", "one") == 1 && lab.ready("2", "one") == 0)
      let check = try lab.serve.xskd("show", "tenants", "--json").output
      #expect(check.contains("eth2 has no queue 3"))
    }

    @Test func `a detached process learns it, lets go, and goes on when it is attached again`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      try lab.client.detach("one")
      try #require(
        engine.waitForOutput("net1 queue 0: lost (the container was detached from it)"), "\(engine.errors)")
      let isFree = try eventually { try lab.queues().map(\.state) == [.free, .free] }
      #expect(isFree)
      #expect(try lab.attach("two").queues == [2])
      let again = try lab.client.attach("one", QueueLab.request(guest.namespace))
      #expect(again.physicalQueues?.queues == [3])
      try #require(engine.waitForOutput("net1 queue 0: back"), "\(engine.errors)")
      try lab.send(NumberedFrame.series(10), queue: 3)
      #expect(try QueueLab.end(engine).contains("received   10 packets"), "\(engine.output)")
      try lab.serve.stop()
    }

    @Test func `an engine's link is the device's, or unknown while nobody tells`() throws {
      let lab = try QueueLab()
      let engine = try lab.attach("one").startEngine("drop")
      try #require(try lab.far.run(["ip", "link", "set", "f0", "down"]).succeeded)
      #expect(engine.waitForOutput("net1: link is down"), "\(engine.errors)")
      try #require(try lab.far.run(["ip", "link", "set", "f0", "up"]).succeeded)
      #expect(engine.waitForOutput("net1: link is up"), "\(engine.errors)")
      lab.serve.process.kill()
      #expect(engine.waitForOutput("net1 link unknown"), "\(engine.output) \(engine.errors)")
      #expect(try QueueLab.end(engine).contains("link unknown"), "\(engine.output)")
    }

    @Test func `a request that is refused leaves no queue held`() throws {
      let lab = try QueueLab()
      for _ in 0..<5 {
        #expect(try lab.refusal("one") { $0.namespace = "/nowhere" }?.status == 400)
        #expect(try lab.queues().map(\.state) == [.free, .free])
      }
    }
  }
}

extension QueueLab {
  /// The device's queues, as the daemon tells of them.
  fileprivate func queues() throws -> [QueuePoolStatus.Queue] {
    try #require(try client.availability().queues?.first).queues
  }

  /// `xskd_queue_tenant_ready`
  fileprivate func ready(_ queue: String, _ tenant: String) throws -> Double? {
    let page = try MetricsParser(String(decoding: try client.ask("GET", "/metrics"), as: UTF8.self))
    return try page.value(
      "xskd_queue_tenant_ready", ["pool": "fast", "device": "eth2", "queue": queue, "tenant": tenant])
  }
}
