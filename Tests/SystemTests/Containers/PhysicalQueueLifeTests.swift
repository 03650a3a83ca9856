import Dispatch
import Foundation
import Glibc
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

extension OnVeth {
  /// Daemons, containers and devices that go, while queues are in use.
  @Suite struct PhysicalQueueLifeTests {
    @Test func `traffic goes on when the daemon is killed, and the next one takes up who has what`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      let program = try lab.program
      try #require(program != nil && lab.pinned == ["eth2"])
      try lab.send(NumberedFrame.series(50), queue: 2)
      lab.serve.process.kill()
      try lab.send(NumberedFrame.series(50), queue: 2)
      try lab.serve.killAndRestart()
      #expect(try lab.program == program)
      try lab.send(NumberedFrame.series(50), queue: 2)
      #expect(try lab.client.tenants() == [guest.tenant])
      #expect(try lab.client.check("one").problems == [])
      #expect(try lab.attach("two").queues == [3])
      #expect(try lab.refusal("three")?.status == 503)
      #expect(try QueueLab.end(engine).contains("received   150 packets"), "\(engine.output)")
      #expect(try guest.lend().hasSuffix("!1"))
      try lab.serve.stop()
      // An orderly end is no other end.
      #expect(try lab.program == program)
    }

    @Test func `who may have power over the host gets no socket of the host's`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let refusal = "may have CAP_NET_ADMIN, and so power over the host: drop it"
      // root with everything; another user who could become it; one who could not.
      #expect(try guest.lend(through: []).contains(refusal))
      let user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]
      #expect(try guest.lend(through: user).contains(refusal))
      #expect(try guest.lend(through: user + ["--no-new-privs"]).hasSuffix("!1"))
      #expect(try guest.lend(through: user + ["--bounding-set=-net_admin"]).hasSuffix("!1"))
      #expect(try guest.lend(through: ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"]).hasSuffix("!1"))
      // In a user namespace of its own it is mighty, but not here.
      #expect(try guest.lend(through: ["unshare", "--user", "--map-root-user"]).hasSuffix("!1"))
      let client = try guest.namespace.run([BuiltPrograms.xskfwd, "drop", "--attach", guest.path])
      #expect(client.status == .exited(2) && client.errors.contains(refusal), "\(client)")
      #expect(lab.serve.process.errors.contains("tenant one: no socket: process"))
      // Another container's process is refused, as ever.
      let other = try lab.attach("two")
      let foreign = QueueLab.Guest(namespace: other.namespace, tenant: guest.tenant)
      #expect(try foreign.lend() == "/host_nak")
    }

    @Test func `a queue that a detached process still holds is given to nobody until it is free`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      let host = try PacketSocket(in: lab.host, device: "eth2")
      // One that doesn't look whether it is still attached.
      engine.signal(SIGSTOP)
      try lab.client.detach("one")
      // It gets no packets any more.
      try lab.send(NumberedFrame.series(20), queue: 2)
      #expect(try host.receive(20, timeout: .seconds(10)).count == 20)
      #expect(engine.isRunning)
      let other = try lab.attach("two")
      #expect(other.queues == [3])
      let full = try #require(try lab.refusal("three"))
      #expect(full.status == 503)
      #expect(
        full.reason.contains("1 in use, 1 held by sockets of processes that have no attachment; end those"), "\(full)")
      #expect(try lab.serve.xskd("show", "status").output.contains("1 used, 1 held"))
      // Who knows no tenants doesn't say whose they are.
      let check = try lab.host.run([BuiltPrograms.xskd, "check", "--config", lab.serve.configuration])
      #expect(check.output.contains("queues 2, 3: 1 free, 1 bound"), "\(check)")
      engine.signal(SIGCONT)
      #expect(try QueueLab.end(engine).contains("received   0 packets"), "\(engine.output)")
      #expect(try lab.attach("three").queues == [2])
      try lab.serve.stop()
    }

    @Test func `thirty attachments leave the daemon as it was`() throws {
      let lab = try QueueLab()
      let container = try NetworkNamespace("one")
      func cycle(_ count: Int) throws {
        for _ in 0..<count {
          let guest = QueueLab.Guest(
            namespace: container, tenant: try lab.client.attach("one", QueueLab.request(container)))
          // The kernel lets go of a queue a moment after its socket was closed.
          #expect([[2], [3]].contains(guest.queues))
          #expect(try guest.lend().hasSuffix("!1"))
          try lab.client.detach("one")
        }
      }
      try cycle(5)
      let (memory, descriptors) = (try lab.serve.memory(), try lab.serve.descriptors())
      try cycle(30)
      #expect(try eventually { try lab.serve.descriptors() <= descriptors })
      #expect(try lab.serve.memory() - memory < 1024, "KiB more than before")
      #expect(try lab.serve.node.leftovers() == ["_queues"])
      #expect(try lab.host.links().map(\.name).sorted() == ["eth2", "lo"])
      try lab.serve.stop()
    }

    @Test func `a daemon killed at any moment of an attachment leaves nothing that the next one doesn't put right`()
      throws
    {
      let lab = try QueueLab()
      let container = try NetworkNamespace("one")
      for round in 0..<6 {
        let asked = DispatchSemaphore(value: 0)
        let client = lab.client
        DispatchQueue.global().async {
          // Refused, broken off, or done: whatever the moment was.
          _ = try? client.attach("one", QueueLab.request(container))
          asked.signal()
        }
        usleep(UInt32(round * 1500))
        try lab.serve.killAndRestart()
        asked.wait()
        let there = try lab.client.tenants()
        #expect(there.map(\.id) == (try? NodeState.read(lab.serve.node.places.stateFile))?.tenants.map(\.id) ?? [])
        #expect(try lab.serve.node.leftovers() == ["_queues"] + there.map(\.id))
        if let tenant = there.first {
          #expect(try QueueLab.Guest(namespace: container, tenant: tenant).lend().hasSuffix("!1"))
          try lab.client.detach("one")
        }
      }
      try lab.serve.stop()
    }

    @Test func `a container that ends without a word gives its queue back`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      guest.namespace.close()
      let isGone = try eventually { try lab.client.tenants().isEmpty }
      #expect(isGone)
      #expect(try lab.attach("two").queues == [2])
      lab.serve.process.kill()
      let pins = lab.pinned
      try lab.serve.killAndRestart()
      #expect(pins == ["eth2"] && lab.pinned == pins)
    }

    @Test func `another container in the same place is not taken for it`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      #expect(try guest.lend().hasSuffix("!1"))
      let next = try NetworkNamespace("next")
      lab.serve.process.kill()
      // The path leads to another namespace.
      try #require(dup2(next.fd, guest.namespace.fd) >= 0)
      try lab.serve.killAndRestart()
      #expect(try lab.client.tenants().isEmpty)
      #expect(try lab.serve.node.leftovers() == ["_queues"])
      #expect(try lab.client.attach("one", QueueLab.request(guest.namespace)).physicalQueues?.queues == [2])
      // And while the daemon looks.
      let third = try NetworkNamespace("third")
      try #require(dup2(third.fd, guest.namespace.fd) >= 0)
      next.close()
      let isGone = try eventually { try lab.client.tenants().isEmpty }
      #expect(isGone)
      try lab.serve.stop()
    }

    @Test func `a device that comes late, or goes, is waited for, and an engine goes on with it`() throws {
      let lab = try QueueLab(hasDevice: false)
      #expect(try lab.serve.xskd("show", "status").output.contains("eth2: can't: no such interface"))
      #expect(try lab.refusal("one")?.status == 503)
      try lab.connect()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      try lab.send(NumberedFrame.series(10), queue: 2)
      try lab.far.delete("f0")
      #expect(engine.waitForOutput("net1 queue 0: lost"), "\(engine.errors)")
      let isTold = try eventually {
        try lab.serve.xskd("show", "status").output.contains("eth2: can't: no such interface")
      }
      #expect(isTold)
      #expect(try lab.client.check("one").problems == ["eth2: no such interface"])
      try lab.connect()
      try #require(engine.waitForOutput("net1 queue 0: back"), "\(engine.errors)")
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   20 packets"), "\(engine.output)")
      #expect(try lab.client.check("one").problems == [])
      try lab.serve.stop()
    }

    @Test func `a queue in use stays in the configuration, and a device without tenants can be taken out`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      for text in ["version: 1\n", "version: 1\nqueues: {fast: {device: eth2, queues: [3]}}\n"] {
        try lab.write(text)
        let refused = try lab.serve.xskd("reload")
        #expect(refused.status == .exited(2))
        #expect(refused.errors.contains("queue 2 of eth2: taken out, but tenant one has it"), "\(refused)")
      }
      // With a second one, what was asked for is what it was.
      try lab.write("version: 1\nqueues: {fast: {device: eth2, queues: [2, 3]}, late: {device: eth3}}\n")
      #expect(try lab.serve.xskd("reload").succeeded)
      #expect(try lab.client.attach("one", QueueLab.request(guest.namespace)) == guest.tenant)
      #expect(try lab.refusal("two")?.reason.contains("deviceID: missing, and there are several") == true)
      // Another name, and more of them.
      try lab.write("version: 1\nqueues: {quick: {device: eth2, queues: [1, 2]}}\n")
      #expect(try lab.serve.xskd("reload").succeeded)
      #expect(try lab.attach("two") { $0.deviceID = "quick" }.queues == [1])
      for id in ["one", "two"] { try lab.client.detach(id) }
      try lab.write("version: 1\n")
      #expect(try lab.serve.xskd("reload").succeeded)
      #expect(try lab.program == nil)
      #expect(try lab.serve.node.leftovers() == [])
      // And while nobody looks.
      try lab.write(QueueLab.configuration)
      #expect(try lab.serve.xskd("reload").succeeded)
      #expect(try lab.program != nil)
      try lab.serve.stop()
      try lab.write("version: 1\n")
      try lab.serve.killAndRestart()
      #expect(try lab.program == nil)
      #expect(try lab.serve.node.leftovers() == [])
    }

    @Test func `a daemon does not start with a configuration that lacks a tenant's queue`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      try lab.serve.stop()
      _ = try VethPair(VethEnd("f1", in: lab.far), VethEnd("eth3", in: lab.host))
      try lab.write("version: 1\nqueues: {other: {device: eth3}}\n")
      let refused = try lab.serve.xskd(
        "serve", "--config", lab.serve.configuration, "--bpf-directory", lab.serve.node.places.bpfDirectory)
      #expect(refused.status == .exited(2))
      #expect(refused.errors.contains("queue 2 of eth2: taken out, but tenant one has it"), "\(refused)")
      #expect(try lab.host.run { try NetworkDevice(named: "eth3").program } == nil, "it was refused before")
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   10 packets"), "\(engine.output)")
    }

    @Test func `another's XDP program on the device is left alone`() throws {
      var own: XDPProgram?
      let lab = try QueueLab { own = try XDPProgram.plain(on: NetworkDevice(named: "eth2")) }
      let id = try lab.program
      let refusal = try #require(try lab.refusal("one"))
      // Asking again doesn't help.
      #expect(refusal.status == 500 && refusal.reason.contains("another XDP program is on it"), "\(refusal)")
      #expect(try lab.program == id)
      own?.detach()
      #expect(try lab.attach("one").queues == [2])
    }

    @Test func `a program that is taken off comes back, with the sockets that it had`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      try lab.send(NumberedFrame.series(10), queue: 2)
      let folder = "\(lab.serve.node.places.bpfDirectory)/_queues/eth2"
      func isBack(after id: UInt32?) throws -> Bool {
        try eventually { try lab.program.map { $0 != id } ?? false }
      }
      let first = try lab.program
      PinnedProgram.detach(in: folder)
      #expect(try isBack(after: first))
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(eventually { lab.serve.process.errors.contains("it had been taken off; its sockets get packets again") })
      // And while the daemon is away.
      let second = try lab.program
      lab.serve.process.kill()
      PinnedProgram.detach(in: folder)
      #expect(try lab.program == nil)
      try lab.serve.killAndRestart()
      #expect(try isBack(after: second))
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   30 packets"), "\(engine.output)")
      try lab.serve.stop()
    }

    @Test func `another's program in place of ours is told, and no socket is given until it is gone`() throws {
      let lab = try QueueLab()
      let guest = try lab.attach("one")
      let engine = try guest.startEngine("drop")
      // Stopped, so that it isn't quicker than the other.
      lab.serve.process.signal(SIGSTOP)
      PinnedProgram.detach(in: "\(lab.serve.node.places.bpfDirectory)/_queues/eth2")
      let other = try lab.host.run { try XDPProgram.plain(on: NetworkDevice(named: "eth2")) }
      lab.serve.process.signal(SIGCONT)
      let id = try lab.program
      let isTold = try eventually {
        try lab.client.check("one").problems.first?.hasPrefix("eth2: another XDP program is on it") == true
      }
      #expect(isTold)
      #expect(try lab.refusal("two")?.status == 500)
      #expect(try guest.lend().contains("another XDP program is on it"))
      #expect(try lab.program == id)
      other.detach()
      let isWell = try eventually { try lab.client.check("one").problems == [] }
      #expect(isWell)
      try lab.send(NumberedFrame.series(10), queue: 2)
      #expect(try QueueLab.end(engine).contains("received   10 packets"), "\(engine.output)")
      try lab.serve.stop()
    }
  }
}
