import Dispatch
import Foundation
import Glibc
import MetricsParser
import TenantAPI
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

@Suite struct ServeTests {
  @Test func `tenants outlive a killed daemon, and the next one serves them`() throws {
    let lab = try ServeLab()
    let containers = try (1...2).map { try NetworkNamespace("c\($0)") }
    let one = try lab.client.attach("c1-eth0", DaemonLab.request(containers[0], 1))
    try lab.killAndRestart()
    #expect(try lab.client.tenants() == [one])
    #expect(try lab.client.check("c1-eth0").problems == [])
    #expect(try lab.client.attach("c1-eth0", DaemonLab.request(containers[0], 1)) == one)
    _ = try lab.client.attach("c2-eth0", DaemonLab.request(containers[1], 2))
    // A container that ends while nobody looks.
    lab.process.kill()
    containers[0].close()
    try lab.killAndRestart()
    // At once: the kernel may take its time to remove the container's devices, and its path may be another's by now.
    #expect(try lab.client.tenants().map(\.id) == ["c2-eth0"])
    try lab.client.detach("c2-eth0")
    try lab.client.detach("c2-eth0")
    #expect(try lab.node.leftovers() == [])
    try lab.stop()
    #expect(unsafe access(lab.node.places.socket, F_OK) != 0)
  }

  @Test func `a daemon killed at any moment of an attachment leaves nothing that the next one doesn't put right`()
    throws
  {
    let lab = try ServeLab()
    let container = try NetworkNamespace("one")
    for round in 0..<6 {
      let asked = DispatchSemaphore(value: 0)
      let client = lab.client
      DispatchQueue.global().async {
        // Refused, broken off, or done: whatever the moment was.
        _ = try? client.attach("one-eth0", DaemonLab.request(container, 5))
        asked.signal()
      }
      usleep(UInt32(round * 4000))
      try lab.killAndRestart()
      asked.wait()
      let there = try lab.client.tenants()
      let state = try? NodeState.read(lab.node.places.stateFile)
      #expect(there.map(\.id) == state?.tenants.map(\.id) ?? [])
      if there.isEmpty {
        #expect(try lab.node.leftovers() == [])
        #expect(try container.links().map(\.name) == ["lo"])
      } else {
        #expect(try lab.client.check("one-eth0").problems == [])
      }
      try lab.client.detach("one-eth0")
    }
    try lab.stop()
  }

  @Test func `a hundred attachments leave the daemon as it was`() throws {
    let lab = try ServeLab()
    let container = try NetworkNamespace("one")
    func cycle(_ count: Int) throws {
      for _ in 0..<count {
        _ = try lab.client.attach("one-eth0", DaemonLab.request(container, 5))
        try lab.client.detach("one-eth0")
      }
    }
    try cycle(20)
    let (memory, descriptors) = (try lab.memory(), try lab.descriptors())
    try cycle(100)
    // A connection lingers for a moment.
    #expect(try eventually { try lab.descriptors() <= descriptors })
    // A page for each would be more than this.
    #expect(try lab.memory() - memory < 400, "KiB more than before")
    #expect(try lab.node.leftovers() == [])
    try lab.stop()
  }

  @Test func `one daemon a directory, and errors that say what to do`() throws {
    let lab = try ServeLab()
    let second = try lab.xskd("serve", "--config", lab.configuration, "--bpf-directory", lab.node.places.bpfDirectory)
    #expect(second.status == .exited(2))
    #expect(second.errors.contains("another process listens there"), "\(second.errors)")
    try lab.stop()
    try Data("{".utf8).write(to: URL(filePath: lab.node.places.stateFile))
    let damaged = try lab.xskd("serve", "--config", lab.configuration, "--bpf-directory", lab.node.places.bpfDirectory)
    #expect(damaged.status == .exited(2))
    #expect(damaged.errors.contains("state.json"), "\(damaged.errors)")
    let missing = try lab.xskd("serve", "--config", "/nowhere")
    #expect(missing.status == .exited(2))
    #expect(missing.errors.contains("/nowhere"), "\(missing.errors)")
  }

  @Test func `the operator sees tenants, status and metrics`() throws {
    let lab = try ServeLab()
    let container = try NetworkNamespace("one")
    let tenant = try lab.client.attach("one-eth0", DaemonLab.request(container, 5))
    let text = try lab.xskd("show", "tenants")
    #expect(text.output.contains("10.1.0.5/32"), "\(text)")
    let json = try lab.xskd("show", "tenants", "--json").output
    let list = try JSONDecoder().decode(TenantList.self, from: Data(json.utf8))
    #expect(list.tenants == [tenant])
    let status = try lab.xskd("show", "status").output
    #expect(status.contains("1 of 64 slots") && status.contains("since the daemon's start: 1 attached"), "\(status)")
    #expect(text.output.contains("SOCKETS NOW\n") && text.output.contains("  default  0\n"), "\(text)")
    let report = try JSONDecoder().decode(NodeReport.self, from: Data(try lab.client.ask("GET", "/v1/status")))
    let year = Date.now.formatted(.iso8601).prefix(4)
    #expect(!report.messages.isEmpty && report.messages.allSatisfy { $0.hasPrefix(year) }, "\(report.messages)")
    let message = try #require(report.messages.last?.split(separator: " ", maxSplits: 1))
    #expect((try? Date(String(message[0]), strategy: .iso8601)) != nil && status.contains(message[1]))
    let page = try MetricsParser(String(decoding: try lab.client.ask("GET", "/metrics"), as: UTF8.self))
    #expect(try page.value("xskd_tenants") == 1)
    #expect(try page.value("xskd_attachments_total", ["result": "attached"]) == 1)
    #expect(try page.value("xskd_dataplane_up") == 0)
    #expect(try page.value("xskd_tenant_info", ["tenant": "one-eth0"]) == 1)
    let unknown = try lab.xskd("detach", "two-eth0")
    #expect(unknown.status == .exited(2))
    #expect(unknown.errors.contains("tenant two-eth0: there is none"), "\(unknown)")
    #expect(try lab.client.tenants() == [tenant])
    // The name that people gave it.
    #expect(try lab.xskd("detach", tenant.name).output == "one-eth0: detached\n")
    #expect(try lab.xskd("show", "tenants").output == "no tenants\n")
    try lab.stop()
    let down = try lab.xskd("show", "tenants")
    #expect(down.status == .exited(2))
    #expect(down.errors.contains("no xskd listens there"), "\(down.errors)")
  }

  @Test func `the operator sees how many sockets a tenant has now, whichever daemon handed them over`() throws {
    let lab = try ServeLab()
    let container = try NetworkNamespace("one")
    let tenant = try lab.client.attach("one-eth0", DaemonLab.request(container, 5))
    func sockets() throws -> (now: Int?, handedOver: UInt64?) {
      struct List: Decodable {
        struct Entry: Decodable {
          var sockets: Int?
          var handover: TenantEndpoint.Counts?
        }
        var tenants: [Entry]
      }
      let list: List = try lab.client.decoded(lab.client.ask("GET", "/v1/tenants"))
      let entry = try #require(list.tenants.first)
      return (entry.sockets, entry.handover?.sockets)
    }
    #expect(try sockets() == (0, 0))
    let engine = try container.start([BuiltPrograms.xskfwd, "drop", "--attach", tenant.socketPath])
    try #require(engine.waitForOutput("running"), "\(engine.errors)")
    #expect(try sockets() == (1, 1))
    try lab.killAndRestart()
    #expect(try sockets() == (1, 0))
    #expect(try lab.xskd("show", "tenants").output.contains("  default  1\n"))
    let page = try MetricsParser(String(decoding: try lab.client.ask("GET", "/metrics"), as: UTF8.self))
    #expect(try page.value("xskd_tenant_sockets", ["tenant": "one-eth0"]) == 1)
    engine.signal(SIGINT)
    #expect(try engine.wait() == .exited(0))
    // The kernel lets go of a queue a moment after its socket was closed.
    #expect(try eventually { try sockets().now == 0 })
    try lab.stop()
  }

  @Test func `requests that are wrong are answered, not carried out`() throws {
    let lab = try ServeLab()
    func status(_ method: String, _ path: String, _ body: String = "") -> Int? {
      do throws(DaemonError) {
        _ = try lab.client.ask(method, path, body: Array(body.utf8))
        return 200
      } catch {
        guard case .refused(let status, _) = error else { return nil }
        return status
      }
    }
    #expect(status("PUT", "/v1/tenants/one-eth0", "") == 400)
    #expect(status("PUT", "/v1/tenants/one-eth0", "[]") == 400)
    #expect(status("PUT", "/v1/tenants/one-eth0", "{\"name\": 1}") == 400)
    #expect(status("PUT", "/v1/tenants/", "{}") == 404)
    let good = "\"name\": \"one\", \"device\": \"eth0\", \"namespace\": \"/nowhere\", \"addresses\": []"
    let twice = #expect(throws: DaemonError.self) {
      try lab.client.ask("PUT", "/v1/tenants/one-eth0", body: Array("{\(good), \"name\": \"two\"}".utf8))
    }
    #expect(twice == .refused(status: 400, reason: "request: name: there more than once; leave one of them"))
    let notObject = #expect(throws: DaemonError.self) {
      try lab.client.ask("PUT", "/v1/tenants/one-eth0", body: Array("[]".utf8))
    }
    #expect(notObject == .refused(status: 400, reason: "request: the whole: is no object; make it one"))
    var request = AttachRequest(name: "one", namespace: "/etc/passwd", device: "eth0", addresses: ["10.1.0.5/32"])
    func refusal() -> String {
      do throws(DaemonError) { return try lab.client.attach("one-eth0", request).id } catch { return "\(error)" }
    }
    #expect(refusal().contains("/etc/passwd: no network namespace; see whether the container runs"))
    request.namespace = "/proc/self/ns/mnt"
    #expect(refusal().contains("/proc/self/ns/mnt: no network namespace"))
    #expect(status("POST", "/v1/tenants/one-eth0") == 405)
    #expect(status("GET", "/v1/tenants/one-eth0") == 404)
    #expect(status("GET", "/v1/tenants/one-eth0/check") == 404)
    #expect(status("POST", "/v1/tenants/one-eth0/drain") == 404)
    #expect(status("DELETE", "/v1/tenants/%2e%2e") == 400)
    #expect(status("GET", "/v1/counters") == 503, "there is no dataplane")
    #expect(try lab.client.tenants().isEmpty)
    try lab.stop()
  }
}
