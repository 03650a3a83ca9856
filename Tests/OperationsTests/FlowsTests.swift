import PacketSamples
import Testing

@testable import Operations
@testable import XSKEngine

@Suite("Who sends most") struct FlowsTests {
  static func request(_ query: [String: String]) throws(XSKError) -> FlowsRequest {
    try FlowsRequest(HTTPRequest(method: "POST", path: "/v1/flows", query: query, body: []))
  }

  @Test func `a request's target says what it wants`() throws {
    var request = FlowsRequest()
    (request.grouping, request.order, request.top) = (.source, .packets, 7)
    (request.conditions.dropsOnly, request.conditions.port, request.conditions.duration) = (true, "eth1", 0.5)
    guard
      case .request(let parsed) = HTTPParser.parse(
        Array("POST \(request.target) HTTP/1.1\r\n\r\n".utf8), limits: HTTPLimits())
    else { throw XSKError("target", request.target, remedy: "") }
    #expect(try FlowsRequest(parsed) == request)
  }

  @Test(
    arguments: [
      (["by": "port"], "by port: is not known; give flow, source, destination"),
      (["order": "size"], "order size: is not known; give bytes, packets"),
      (["top": "0"], "top 0: out of range; give 1 to 1000"), (["top": "ten"], "top ten: out of range"),
      (["duration": "61"], "duration 61.0: out of range; give 0.1 to 60 seconds"),
      (["count": "1"], "count: is not known here"), (["snaplen": "64"], "snaplen: is not known here"),
      (["drops": "yes"], "drops=yes: neither 1 nor 0"),
    ] as [([String: String], String)])
  func `what is wrong is said`(query: [String: String], expected: String) {
    var found = "accepted"
    do { _ = try Self.request(query) } catch { found = "\(error)" }
    #expect(found.hasPrefix(expected), "\(found)")
  }

  static func packet(_ length: Int, port: UInt8 = 0, _ decision: CapturedPacket.Decision = .forwarded(to: 1))
    -> CapturedPacket
  {
    CapturedPacket(
      nanoseconds: 0, port: port, queue: 0, decision: decision, intendedEgress: nil, rule: nil, sampler: nil,
      length: length, lostBefore: 0)
  }

  static func name(_ frame: [UInt8], by grouping: FlowsRequest.Grouping = .flow) -> FlowName {
    let packet = packet(frame.count)
    let bytes = Array(frame.prefix(FlowName.bytes))
    // Bytes have no padding between them.
    return unsafe FlowName(packet, bytes.span.bytes, by: grouping)
  }

  @Test func `packets are told apart by flow, source or destination`() {
    let frame = SamplePacket {
      $0.transport = .udp
      ($0.sourcePort, $0.destinationPort) = (53, 4444)
      $0.payload = [UInt8](repeating: 1, count: 1000)
    }.frame
    let flow = Self.name(frame)
    #expect(flow.ports == .init(source: 53, destination: 4444) && flow.ipProtocol == 17)
    #expect(flow.source != nil && flow.destination != nil && flow.etherType == nil)
    let source = Self.name(frame, by: .source)
    #expect(source.source == flow.source && source.destination == nil && source.ports == nil)
    let destination = Self.name(frame, by: .destination)
    #expect(destination.destination == flow.destination && destination.source == nil)
    var arp = [UInt8](repeating: 2, count: 42)
    (arp[12], arp[13]) = (0x08, 0x06)
    #expect(Self.name(arp).etherType == 0x0806)
    #expect(Self.name([1, 2, 3]) == Self.name([]), "what can't be read is one row")
    // Whatever the bytes are, nothing is read outside of them.
    for length in 0...frame.count { _ = Self.name(Array(frame.prefix(length))) }
  }

  @Test func `estimates stand for what was not drawn and for what was lost`() throws {
    var tally = FlowTally()
    let (first, second) = (Self.name([]), Self.name([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 6]))
    for _ in 0..<30 { tally.add(Self.packet(100), first) }
    for _ in 0..<10 { tally.add(Self.packet(1000, .dropped(.policy)), second) }
    let names = CaptureRequestTests.names
    var request = try Self.request(["top": "1"])
    let report = FlowsReport(tally, request, oneIn: 100, lost: 40, seconds: 2, names: names)
    // 40 of 80 drawn were read, each of 100: each stands for 200.
    #expect(report.packets == 8000 && report.bytes == 13_000 * 200 && report.sampled == 40 && report.lost == 40)
    #expect(report.count == 2 && report.rows.count == 1)
    let row = try #require(report.rows.first)
    #expect(row.etherType == 0x0806 && row.packets == 2000 && row.dropped == 2000 && row.sampled == 10)
    #expect(row.packetsPerSecond == 1000 && row.bitsPerSecond == 8_000_000 && row.fate == "dropped: policy")
    #expect(abs(row.share - 10.0 / 13) < 1e-9)
    request.order = .packets
    #expect(
      FlowsReport(tally, request, oneIn: 1, lost: 0, seconds: 1, names: names).rows.first?.fate == "forwarded to eth2")
    let nothing = FlowsReport(FlowTally(), request, oneIn: 1, lost: 0, seconds: 1, names: names)
    #expect(nothing.packets == 0 && nothing.rows.isEmpty && nothing.text.contains("no such packet came by"))
  }

  @Test(arguments: [(0.0, 1.0, 1 as UInt32), (100_000, 1, 1), (100_001, 1, 2), (20e6, 1, 200), (20e6, 60, 12_000)])
  func `at any rate about as many packets are drawn`(rate: Double, seconds: Double, oneIn: UInt32) {
    #expect(FlowsStream.oneIn(rate: rate, seconds: seconds) == oneIn)
  }
}
