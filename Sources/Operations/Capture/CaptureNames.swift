import Reporting
import XSKEngine

/// The names behind a capture's numbers: ports, drop reasons, rules.
struct CaptureNames: Sendable {
  let ports: [CounterDescription.Port]
  private let reasons: [String: Int]
  private let reasonNames: [Int: String]
  /// The names of the rules by the numbers that the handlers note (`Burst.note`): asked anew, since they may change.
  let rules: @Sendable () -> [String]

  init(_ description: CounterDescription, rules: @escaping @Sendable () -> [String]) {
    ports = description.ports
    reasons = description.counters.drops
    reasonNames = Dictionary(description.counters.drops.map { ($0.value, $0.key) }, uniquingKeysWith: min)
    self.rules = rules
  }

  func port(_ name: String) throws(XSKError) -> Int {
    guard let index = ports.firstIndex(where: { $0.name == name }) else {
      throw XSKError(
        "port \(name)", "no such port", remedy: "choose one of \(ports.map(\.name).joined(separator: ", "))")
    }
    return index
  }

  func queue(_ number: Int) throws(XSKError) -> Int {
    guard ports.contains(where: { $0.queues.contains(number) }) else {
      throw XSKError("queue \(number)", "no port has it", remedy: "see: xskfwd show status")
    }
    return number
  }

  func reason(_ name: String) throws(XSKError) -> DropReason {
    guard let number = reasons[name], let raw = UInt8(exactly: number) else {
      throw XSKError(
        "reason \(name)", "no such reason", remedy: "choose one of \(reasons.keys.sorted().joined(separator: ", "))")
    }
    return DropReason(rawValue: raw)
  }

  func rule(_ name: String) throws(XSKError) -> UInt32 {
    guard let number = rules().firstIndex(of: name) else {
      throw XSKError(
        "rule \(name)", "no such rule is loaded", remedy: "see the configuration file; only rules have names")
    }
    return UInt32(number)
  }

  /// What is said of a packet, a comment each.
  func comments(_ packet: CapturedPacket, rules: [String]) -> [String] {
    var comments = [fate(packet.decision) + (packet.intendedEgress.map { " (to \(port(numbered: $0)))" } ?? "")]
    if let number = packet.rule { comments.append("rule \(rule(number, rules))") }
    if let number = packet.sampler { comments.append("sampled by rule \(rule(number, rules))") }
    return comments
  }

  /// What became of a packet.
  func fate(_ decision: CapturedPacket.Decision) -> String {
    switch decision {
    case .dropped(let reason): "dropped: \(reasonNames[Int(reason.rawValue)] ?? reason.name)"
    case .forwarded(let number): "forwarded to \(port(numbered: number))"
    case .reflected: "reflected"
    case .delivered: "delivered"
    }
  }

  func port(numbered number: UInt8) -> String {
    ports.indices.contains(Int(number)) ? ports[Int(number)].name : "port \(number)"
  }

  func rule(_ number: UInt32, _ rules: [String]) -> String {
    number < rules.count ? rules[Int(number)] : "\(number)"
  }
}
