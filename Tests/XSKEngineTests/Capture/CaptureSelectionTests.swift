import Testing

@testable import XSKEngine

/// Which packets are taken.
@Suite struct CaptureSelectionTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let name: String
    let taken: [UInt8]
    let change: @Sendable (inout CaptureSelection) -> Void
    var testDescription: String { name }

    init(_ name: String, _ taken: [UInt8], _ change: @escaping @Sendable (inout CaptureSelection) -> Void) {
      (self.name, self.taken, self.change) = (name, taken, change)
    }
  }

  // Packets 0…7 come in on port 0 and 8…15 on port 1, each with the verdicts of CaptureTests.pattern, rules 0…15, the multiples
  // of 5 sampled by rule 20.
  static var rows: [Row] {
    [
      Row("everything", Array(0...15)) { _ in },
      Row("drops", [0, 1, 6, 7, 8, 9, 14, 15]) { $0.dropsOnly = true },
      Row("a reason", [1, 9]) { $0.reasons = [.shutdown] },
      Row("reasons", [0, 6, 8, 14]) { $0.reasons = [.policy, .noSuchPort] },
      Row("a reason of the deployment's", [7, 15]) { $0.reasons = [.custom(3)] },
      Row("a reason that did not occur", []) { $0.reasons = [.exceedsMTU] },
      // 2 leaves by port 1, 13 by port 0.
      Row("a port", [0, 1, 2, 3, 4, 5, 6, 7, 13]) { $0.port = 0 },
      Row("the other port", [2] + Array(8...15)) { $0.port = 1 },
      Row("a port that nothing comes in on", [6, 14]) { $0.port = 9 },
      Row("a port's drops", [8, 9, 14, 15]) { ($0.port, $0.dropsOnly) = (1, true) },
      Row("a queue", Array(0...15)) { $0.queue = 0 },
      Row("another queue", []) { $0.queue = 1 },
      Row("a rule", [4]) { $0.rule = 4 },
      Row("a sampling rule", [0, 5, 10, 15]) { $0.rule = 20 },
      Row("samples", [0, 5, 10, 15]) { $0.samplesOnly = true },
      Row("dropped samples", [0, 15]) { ($0.samplesOnly, $0.dropsOnly) = (true, true) },
      Row("a count", [0, 1, 2]) { $0.count = 3 },
      Row("a count of drops", [0, 1, 7]) { ($0.count, $0.dropsOnly) = (3, true) },
      Row("a filter", [3]) { $0.filter = firstByte(3) },
      Row("a filter of drops", []) { ($0.filter, $0.dropsOnly) = (firstByte(3), true) },
      Row("a filter of drops that the engine made", [6]) { ($0.filter, $0.dropsOnly) = (firstByte(6), true) },
    ]
  }

  /// ldb [0]; jeq #n, 1; ret 0; ret -1
  static func firstByte(_ number: UInt32) -> PacketFilter? {
    try? PacketFilter([
      .init(code: 0x30, operand: 0), .init(code: 0x15, jumpTrue: 1, operand: number), .init(code: 0x06, operand: 0),
      .init(code: 0x06, operand: .max),
    ])
  }

  @Test(arguments: rows) func `takes what meets all conditions`(row: Row) throws {
    let rig = try CaptureTests.patternRig { burst in
      for index in 0..<burst.count {
        let number = UInt32(burst.bytes(index).array[0])
        burst.note(rule: number, at: index)
        if number % 5 == 0 { burst.sample(index, rule: 20) }
      }
    }
    rig.step()
    var selection = CaptureSelection()
    row.change(&selection)
    let capture = try CaptureRig(rig, selection)
    for number in 0..<16 { #expect(rig.receive(numbered(number), on: number / 8)) }
    rig.step()
    // What the engine itself drops comes behind the rest of its burst.
    #expect(capture.read().map { $0.bytes[0] }.sorted() == row.taken)
    #expect(capture.session.isComplete == (selection.count == 3))
    rig.settle()
    rig.drainAlone()
  }

  /// Bounds of five standard deviations: a seed that is in them stays in them.
  @Test(arguments: [2, 3, 10, 100, 1000], [1, 2, 3] as [UInt64])
  func `one in N takes about every Nth, wherever it is`(oneIn: Int, seed: UInt64) throws {
    let rig = try SimulatedRig { $0.decideAll(.drop(.policy)) }
    rig.step()
    var selection = CaptureSelection()
    (selection.oneIn, selection.snapLength) = (UInt32(oneIn), 1)
    let capture = try CaptureRig(rig, selection, ringBytes: 1 << 20, seed: seed)
    var (offered, taken) = (0, 0)
    var places: [Int] = .init(repeating: 0, count: 4)
    for _ in 0..<1000 {
      for place in 0..<32 { #expect(rig.receive([UInt8(place)])) }
      offered += 32
      rig.step()
      for record in capture.read() {
        taken += 1
        places[Int(record.bytes[0]) / 8] += 1
      }
    }
    func isNear(_ count: Int, of offered: Int) -> Bool {
      let expected = Double(offered) / Double(oneIn)
      return abs(Double(count) - expected) <= 5 * (expected * (1 - 1 / Double(oneIn))).squareRoot()
    }
    #expect(isNear(taken, of: offered), "\(taken) of \(offered)")
    // No place in a burst is preferred.
    for count in places { #expect(isNear(count, of: offered / 4), "\(count) of \(offered / 4)") }
  }

  @Test func `a packet that was not drawn has no second chance as a drop`() throws {
    let rig = try SimulatedRig(ports: 1) { $0.decideAll(.forward(to: 5)) }
    rig.step()
    var selection = CaptureSelection()
    selection.oneIn = 2
    let capture = try CaptureRig(rig, selection)
    for _ in 0..<500 {
      rig.receive(count: 32)
      rig.step()
    }
    let count = capture.read().count
    // Drawn twice it would be 12,000.
    #expect(abs(count - 8000) < 5 * 64, "\(count)")
  }

  static var refusals: [Row] {
    [
      Row("snap length 0: out of range", []) { $0.snapLength = 0 },
      Row("snap length 262145: out of range", []) { $0.snapLength = 262_145 },
      Row("one packet in 0: out of range", []) { $0.oneIn = 0 },
      Row("a capture of 0 packets: takes none", []) { $0.count = 0 },
    ]
  }

  @Test(arguments: refusals) func `what is out of range is refused`(row: Row) {
    var selection = CaptureSelection()
    row.change(&selection)
    let problem = problem { _ = try CaptureSession(selection, workers: []) }
    #expect(problem?.hasPrefix(row.name) == true, "\(problem ?? "accepted")")
  }
}
