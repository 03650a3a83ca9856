import Testing

@testable import Operations
@testable import XSKEngine

@Suite("What is asked for to be captured") struct CaptureRequestTests {
  static let names = CaptureNames(
    CounterDescription(
      tool: "t", version: "1", command: "c",
      ports: [
        .init(name: "eth1", device: "eth1", ifindex: 1, mode: "copy", queues: [0, 1], link: "up"),
        .init(name: "eth2", device: "eth2", ifindex: 2, mode: "copy", queues: [0], link: "up"),
      ], slots: [], counters: .current.adding([.custom(0): "not_wanted"])), rules: { ["first", "web"] })

  static func selection(_ query: [String: String], body: String = "") throws(XSKError) -> CaptureSelection {
    try CaptureRequest(HTTPRequest(method: "POST", path: "/v1/capture", query: query, body: Array(body.utf8)))
      .selection(names)
  }

  @Test func `names become numbers`() throws {
    let selection = try Self.selection(
      [
        "drops": "1", "reason": "policy,not_wanted", "port": "eth2", "queue": "1", "rule": "web", "samples": "",
        "one-in": "10", "count": "5", "duration": "1.5", "snaplen": "96",
      ], body: "1\n6 0 0 1\n")
    #expect(selection.dropsOnly && selection.reasons == [.policy, .custom(0)] && selection.port == 1)
    #expect(selection.queue == 1 && selection.rule == 1 && selection.samplesOnly && selection.oneIn == 10)
    #expect(selection.count == 5 && selection.snapLength == 96 && selection.filter?.instructions.count == 1)
    #expect(try Self.selection([:]) == CaptureSelection())
  }

  @Test func `a request's target says what it wants`() throws {
    var request = CaptureRequest()
    (request.dropsOnly, request.reasons, request.port) = (true, ["policy", "not_wanted"], "a b")
    (request.queue, request.rule, request.samplesOnly, request.oneIn) = (3, "web", true, 7)
    (request.count, request.duration, request.snapLength) = (9, 2.5, 64)
    guard
      case .request(let parsed) = HTTPParser.parse(
        Array("POST \(request.target) HTTP/1.1\r\n\r\n".utf8), limits: HTTPLimits())
    else { throw XSKError("target", request.target, remedy: "") }
    #expect(try CaptureRequest(parsed) == request)
  }

  @Test(
    arguments: [
      (["drop": "1"], "drop: is not known here"), (["drops": "yes"], "drops=yes: neither 1 nor 0"),
      (["port": "eth9"], "port eth9: no such port; choose one of eth1, eth2"),
      (["queue": "2"], "queue 2: no port has it"), (["queue": "-1"], "queue -1: out of range; give 0 to 65535"),
      (["reason": "bad"], "reason bad: no such reason; choose one of exceeds_mtu"),
      (["rule": "nope"], "rule nope: no such rule is loaded"), (["one-in": "0"], "one-in 0: out of range"),
      (["count": "0"], "count 0: out of range"), (["count": "1e3"], "count 1e3: out of range"),
      (["snaplen": "262145"], "snaplen 262145: out of range; give 1 to 262144"),
      (["duration": "0"], "duration 0: out of range"), (["duration": "nan"], "duration nan: out of range"),
    ] as [([String: String], String)])
  func `what is wrong is said`(query: [String: String], expected: String) {
    var found = "accepted"
    do { _ = try Self.selection(query) } catch { found = "\(error)" }
    #expect(found.hasPrefix(expected), "\(found)")
  }

  @Test func `comments say what became of a packet`() {
    func comments(
      _ decision: CapturedPacket.Decision, to egress: UInt8? = nil, rule: UInt32? = nil, sampler: UInt32? = nil
    )
      -> [String]
    {
      Self.names.comments(
        CapturedPacket(
          nanoseconds: 0, port: 0, queue: 0, decision: decision, intendedEgress: egress, rule: rule, sampler: sampler,
          length: 60, lostBefore: 0), rules: Self.names.rules())
    }
    #expect(comments(.dropped(.policy)) == ["dropped: policy"])
    #expect(comments(.dropped(.custom(0)), rule: 1) == ["dropped: not_wanted", "rule web"])
    #expect(comments(.dropped(.txRingFull), to: 1) == ["dropped: tx_ring_full (to eth2)"])
    #expect(comments(.dropped(.custom(9))) == ["dropped: reason_105"])
    #expect(comments(.forwarded(to: 1), sampler: 0) == ["forwarded to eth2", "sampled by rule first"])
    #expect(comments(.forwarded(to: 7), rule: 9) == ["forwarded to port 7", "rule 9"])
    #expect(comments(.reflected) == ["reflected"] && comments(.delivered) == ["delivered"])
  }
}
