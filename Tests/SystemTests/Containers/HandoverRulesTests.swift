import CXsk
import ContainerDataplane
import Glibc
import Testing
import XSKLab

@testable import XSKEngine

extension OnVeth {
  /// What is answered to whom, on a real socket. What messages mean is a table in ContainerDataplaneTests.
  @Suite struct HandoverRulesTests {
    @Test func `the Intel device plugin's conversation, as DPDK leads it`() throws {
      let lab = try TenantLab()
      _ = try lab.serve()
      let guest = lab.guests[0]
      // A connection for each queue.
      for _ in 0..<20 {
        let answers = try guest.ask(["/connect,guest", "/version", "/xsk_map_fd,eth0", "/fin"])
        #expect(answers == ["/host_ok", "0.1", "/fd_ack !1", "/fin_ack"])
      }
      #expect(try guest.ask(["/connect, guest", "/xsk_map_fd, eth0"]) == ["/host_ok", "/fd_ack !1"])
      // DPDK takes /fd_nak for success.
      #expect(try guest.ask(["/connect,guest", "/xsk_map_fd,eth1"]) == ["/host_ok", "(closed)"])
      #expect(try guest.ask(["/connect,guest", "/what", "/version"]) == ["/host_ok", "/nak", "0.1"])
      #expect(try guest.ask(["/config_busy_poll,20,64"]) == ["/config_busy_poll_nak"])
      #expect(try guest.ask(["/fin", "/version"]) == ["/fin_ack", "(closed)"])
      #expect(try guest.ask(["/connect"]) == ["/host_nak"])
      #expect(try guest.ask([String(repeating: "x", count: 200)]) == ["(closed)"])
    }

    @Test func `an attachment tells about itself`() throws {
      let lab = try TenantLab()
      _ = try lab.serve()
      #expect(
        try lab.guests[0].ask(["/xsk_device", "/xsk_quota", "/xsk_address,0", "/xsk_address,1"]) == [
          "/xsk_device_ack,eth0,mtu=1500,mac=02:00:00:00:00:05,gw=02:00:00:00:00:01,addresses=1",
          "/xsk_quota_ack,sockets=1,frames=8192,bytes=16777216", "/xsk_address_ack,10.1.0.5/32", "/xsk_address_nak",
        ])
    }

    @Test(
      arguments: [
        (
          "/xsk_socket", "/xsk_socket_ack,chunk=2048,frames=4096,given=2048,rx=1024,tx=1024,fill=2048,comp=1024,zc=0 !1"
        ),
        (
          "/xsk_socket, 0, frames=512, chunk=4096, rx=64, tx=128",
          "/xsk_socket_ack,chunk=4096,frames=512,given=128,rx=64,tx=128,fill=128,comp=128,zc=0 !1"
        ),
        (
          "/xsk_socket,0,first=10,given=20,room=64",
          "/xsk_socket_ack,chunk=2048,frames=4096,first=10,given=20,rx=1024,tx=1024,fill=2048,comp=1024,room=64,zc=0 !1"
        ),
        ("/xsk_socket,1", "/xsk_socket_nak,queue 1: over the quota of 1 socket(s)"),
        ("/xsk_socket,0,frames=8193", "/xsk_socket_nak,8193 frames: over the quota of 8192"),
        ("/xsk_socket,0,frames=8192,chunk=4096", "/xsk_socket_nak,UMEM of 33554432 bytes: over the quota of 16777216"),
        ("/xsk_socket,0,frames=1", "/xsk_socket_nak,UMEM of 1 frames: out of range"),
        ("/xsk_socket,0,chunk=1000", "/xsk_socket_nak,chunk size 1000: not supported by the kernel"),
        ("/xsk_socket,0,rx=100", "/xsk_socket_nak,RX ring of 100 entries: not a power of two from 1 to 65536"),
        (
          "/xsk_socket,0,first=4000,given=100",
          "/xsk_socket_nak,frames 4000 to 4100 with the kernel: more than the UMEM or the fill ring has"
        ),
        (
          "/xsk_socket,0,given=2049",
          "/xsk_socket_nak,frames 0 to 2049 with the kernel: more than the UMEM or the fill ring has"
        ),
        ("/xsk_socket,0,rx=64,rx=64", "/xsk_socket_nak,not QUEUE and KEY=NUMBER, each key once"),
        ("/xsk_socket,0,pages=2", "/xsk_socket_nak,not QUEUE and KEY=NUMBER, each key once"),
        ("/xsk_socket,-1", "/xsk_socket_nak,not QUEUE and KEY=NUMBER, each key once"),
      ])
    func `a socket is granted within the quota, and refused in words`(message: String, answer: String) throws {
      let lab = try TenantLab()
      _ = try lab.serve()
      #expect(try lab.guests[0].lend(message) == answer)
    }

    @Test(
      arguments: [
        ("none", "/xsk_socket", "/xsk_socket_nak,memory file: none came with the request"),
        ("good", "/xsk_socket", "/xsk_socket_ack,"), ("good", "/xsk_socket,0,frames=512", "/xsk_socket_ack,"),
        ("good", "/xsk_socket,0,frames=4097", "/xsk_socket_nak,memory file: too small"),
        ("unsealed", "/xsk_socket", "/xsk_socket_nak,memory file: not sealed with F_SEAL_SHRINK"),
        ("sparse", "/xsk_socket", "/xsk_socket_nak,memory file: not all there: write to each page first"),
        ("socket", "/xsk_socket", "/xsk_socket_nak,memory file: no memory file of plain pages"),
        ("disk", "/xsk_socket", "/xsk_socket_nak,memory file: no memory file of plain pages"),
        // What nobody asked for is closed unseen; what is no AF_XDP socket gets no options.
        ("good", "/version", "0.1"), ("socket", "/config_busy_poll,20,64", "/config_busy_poll_nak"),
        ("disk", "/config_busy_poll,20,64", "/config_busy_poll_nak"),
      ])
    func `memory is taken as it must be, so that who lends it is charged`(
      kind: String, message: String, answer: String
    ) throws {
      let lab = try TenantLab()
      let server = try lab.serve()
      let before = try #require(server.footprint())
      let said = try lab.guests[0].lend(message, kind)
      #expect(said.hasPrefix(answer), "\(said)")
      let isClosed = eventually { server.footprints.last?.descriptors == before.descriptors }
      #expect(isClosed)
    }

    @Test func `registering lent memory makes no page of it, whatever becomes of it meanwhile`() throws {
      let file = unsafe cxsk_memfd_create("lent")
      defer { close(file) }
      try #require(ftruncate(file, 1 << 20) == 0)
      let umem = try UMEM(lent: file, UMEMConfiguration(frames: 512, pages: .sealedMemfd))
      let error = #expect(throws: XSKError.self) {
        try XSKSocket(name: "lent", umem: umem, SocketConfiguration())
      }
      #expect(error?.problem == "pages of it are not there")
      var status = stat()
      // Safe: written by the call.
      let blocks = unsafe fstat(file, &status) == 0 ? status.st_blocks : -1
      #expect(blocks == 0)
    }

    @Test func `who is not the tenant's is refused, whatever it says`() throws {
      let lab = try TenantLab(guests: 2)
      let endpoint = try lab.endpoint()
      func ask(_ namespace: NetworkNamespace, as user: String? = nil) throws -> String {
        let identity = user.map { ["setpriv", "--reuid=\($0)", "--clear-groups"] } ?? []
        return try namespace.run(
          identity + [BuiltPrograms.testTenants, "ask", lab.guests[0].path, "/connect,guest 0", "/version"]
        ).output
      }
      #expect(try ask(lab.guests[0].namespace) == "/host_ok\n0.1\n")
      // Another container, the host itself.
      #expect(try ask(lab.guests[1].namespace) == "/host_nak\n(closed)\n")
      #expect(try ask(lab.node) == "/host_nak\n(closed)\n")
      var tenant = endpoint.tenant
      tenant.uid = 1000
      endpoint.update(tenant)
      #expect(try ask(lab.guests[0].namespace) == "/host_nak\n(closed)\n")
      #expect(try ask(lab.guests[0].namespace, as: "1000") == "/host_ok\n0.1\n")
      tenant.uid = nil
      tenant.cgroup = "/no/such/group"
      endpoint.update(tenant)
      #expect(try ask(lab.guests[0].namespace) == "/host_nak\n(closed)\n")
      tenant.cgroup = "/"
      endpoint.update(tenant)
      #expect(try ask(lab.guests[0].namespace) == "/host_ok\n0.1\n")
      #expect(endpoint.counts.refused == 4 && endpoint.counts.connections == 7)
      let client = try lab.guests[1].start([BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path])
      #expect(try client.wait() == .exited(2))
      #expect(client.errors.contains("this process is not the attachment's"), "\(client.errors)")
      try lab.node.run { endpoint.remove() }
    }

    @Test func `a process asks for busy polling of its own socket and of nothing else`() throws {
      let lab = try TenantLab()
      _ = try lab.serve()
      let run = try lab.guests[0].start(
        [BuiltPrograms.xskfwd, "drop", "--attach", lab.guests[0].path, "--idle", "busy-poll", "--duration", "1"])
      #expect(try run.wait() == .exited(0), "\(run.errors)")
      #expect(!run.errors.contains("busy polling refused"), "\(run.errors)")
    }
  }
}
