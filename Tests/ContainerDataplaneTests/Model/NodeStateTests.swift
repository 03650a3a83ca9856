import Testing
import XSKEngine

@testable import ContainerDataplane

@Suite struct NodeStateTests {
  @Test func `what is written is read back`() throws {
    var state = NodeState(generation: 7, tenants: [.sample(1), .sample(2)])
    state.tenants[1].vlan = 12
    state.tenants[1].uid = 1000
    state.tenants[1].cgroup = "/user.slice/x"
    let json = try state.json()
    #expect(try NodeState(json: json, file: "state.json") == state)
    #expect(try NodeState(json: json, file: "state.json").json() == json)
  }

  @Test(arguments: [
    ("{}", "version", "is missing"), ("[]", "the whole", "is no"), ("{", "state.json", "no JSON"),
    ("{\"version\": 2, \"generation\": 0, \"tenants\": []}", "version 2", "not a form"),
    ("{\"version\": 1, \"generation\": -1, \"tenants\": []}", "state.json", "no JSON"),
    ("{\"version\": 1, \"generation\": 0, \"tenants\": {}}", "tenants", "is no list"),
    ("{\"version\": 1, \"generation\": 0, \"tenants\": [{}]}", "tenants[0].id", "is missing"),
    ("{\"version\": 1, \"generation\": 0, \"tenants\": [{\"id\": 5}]}", "tenants[0].id", "is no text"),
    ("{\"version\": 1, \"generation\": 0, \"tenants\": [{\"id\": null}]}", "tenants[0].id", "is null"),
    ("\u{FFFD}", "state.json", "no JSON"), ("", "state.json", "no JSON"),
  ])
  func `wrong JSON is refused with its place`(_ text: String, _ place: String, _ problem: String) {
    do throws(XSKError) {
      _ = try NodeState(json: Array(text.utf8), file: "state.json")
      Issue.record("read: \(text)")
    } catch {
      #expect(error.subject.hasPrefix("state.json") && error.subject.contains(place), "\(error)")
      #expect(error.problem.contains(problem), "\(error)")
    }
  }

  /// What a second tenant takes from the first, and how it is told.
  struct Clash: Sendable {
    let claim: String
    let change: @Sendable (inout Tenant, Tenant) -> Void

    init(_ claim: String, _ change: @escaping @Sendable (inout Tenant, Tenant) -> Void) {
      (self.claim, self.change) = (claim, change)
    }
  }

  static let clashes = [
    Clash("id") { $0.id = $1.id },
    Clash("hostDevice") { $0.hostDevice = $1.hostDevice },
    Clash("port") { $0.port = $1.port },
    Clash("address 10.1.0.1") { $0.addresses[0] = $1.addresses[0] },
    Clash("address fd00::1") { tenant, _ in tenant.addresses[1] = "fd00:0:0:0::1/128" },
    Clash("device eth0 in") { $0.namespace = $1.namespace },
  ]

  @Test(arguments: clashes)
  func `two tenants don't have the same`(_ clash: Clash) {
    var second = Tenant.sample(2)
    clash.change(&second, .sample(1))
    let problems = NodeState(tenants: [.sample(1), second]).problems()
    #expect(problems.count == 1)
    #expect(problems.first?.subject.contains(clash.claim) == true, "\(problems)")
  }

  @Test func `tenants with queues of one device are told apart by their queues`() throws {
    let state = NodeState(tenants: [.sample(1), .onQueues(2, [2]), .onQueues(3, [3, 5])])
    #expect(state.problems() == [])
    let json = try state.json()
    #expect(try NodeState(json: json, file: "state.json") == state)
    #expect(state.tenants.map(\.tier) == [.veth, .physicalQueue, .physicalQueue])
    let clash = NodeState(tenants: [.onQueues(1, [2, 3]), .onQueues(2, [3])]).problems()
    #expect(clash.map(\.subject) == ["tenant container2-eth0: queue 3 of eth2"])
    let address = NodeState(tenants: [.onQueues(2, [2]), .onQueues(2, [3], container: 4)]).problems()
    #expect(address.map(\.subject) == ["tenant container4-eth0: address 10.1.0.2 behind eth2"])
    // The network behind another device is another.
    var other = Tenant.onQueues(2, [3], container: 5)
    other.hostDevice = "eth3"
    other.physicalQueues?.device = "eth3"
    #expect(NodeState(tenants: [.sample(2), .onQueues(2, [3], container: 4), other]).problems() == [])
  }

  @Test func `a state of before there were tiers is read`() throws {
    let text = """
      {"generation": 3, "version": 1, "tenants": [{"id": "c-eth0", "name": "c", "namespace": "/run/netns/c", "device": "eth0",
       "hostDevice": "xskt00000000001", "mac": "02:00:00:00:00:01", "hostMAC": "02:00:00:00:00:02", "mtu": 1500,
       "addresses": ["10.1.0.5/32"], "policy": "default", "port": 0, "createdAt": "2026-01-31T12:00:00Z",
       "quota": {"frames": 8192, "sockets": 1, "umemBytes": 16777216}}]}
      """
    #expect(try NodeState(json: Array(text.utf8), file: "state.json").tenants.map(\.tier) == [.veth])
  }

  @Test func `one VLAN has one tenant`() {
    var tenants = [Tenant.sample(1), .sample(2)]
    (tenants[0].vlan, tenants[1].vlan) = (9, 9)
    #expect(NodeState(tenants: tenants).problems().map(\.problem) == ["tenant container1-eth0 has it already"])
  }

  @Test func `a file that can't be read is told by its path`() {
    for path in ["/nowhere/state.json", "/dev/null", "/tmp"] {
      do throws(XSKError) {
        _ = try NodeState.read(path)
        Issue.record("read: \(path)")
      } catch {
        #expect(error.subject == path)
      }
    }
  }

  @Test(
    arguments: [
      ("{\"a\": 1}", nil), ("{\"a\": 1, \"b\": null, \"c\": null}", nil), ("{\"a\": 1, \"b\": 2}", nil),
      ("{\"a\": 1, \"bb\": 2}", "f: bb: unknown key; correct it, or take it out"),
      ("{\"b\": 2, \"c\": {}}", "f: a: is missing; add it"),
      ("{\"a\": 1, \"inner\": {\"x\": 1}, \"list\": [{}, {\"x\": null}]}", nil),
      ("{\"a\": 1, \"inner\": {\"xx\": 1}}", "f: inner.xx: unknown key; correct it, or take it out"),
      ("{\"a\": 1, \"list\": [{\"x\": 1}, {\"y\": {}}]}", "f: list[1].y: unknown key; correct it, or take it out"),
    ] as [(String, String?)])
  func `an object with a key too many is refused, one without a value is none`(text: String, words: String?) {
    struct Inner: Codable {
      var x: Int?
    }
    struct Sample: Codable {
      var inner: Inner?
      var list: [Inner]?
      var a: Int
      var b: Int?
    }
    var said: String?
    do throws(XSKError) {
      _ = try StrictJSON.decodeAlone(Sample.self, Array(text.utf8), file: "f")
    } catch {
      said = "\(error)"
    }
    #expect(said == words)
  }
}
