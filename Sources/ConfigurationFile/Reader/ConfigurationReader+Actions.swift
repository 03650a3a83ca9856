import Forwarder
import XSKEngine

// What a rule does with a packet.

extension ConfigurationReader {
  /// An action, or a list of them.
  mutating func readActions(_ element: Element) -> [RuleAction] {
    var actions: [RuleAction] = []
    var terminal: String?
    for item in items(element) ?? [] {
      if let terminal {
        report(
          item, value: item.text, "never carried out: \(terminal) ends the packet's way",
          "put it ahead of \(terminal), or take it out")
        continue
      }
      guard let action = readAction(item) else { continue }
      actions.append(action)
      if action.isTerminal { terminal = item.text ?? item.node.mapping?.first?.key.string ?? "the action" }
    }
    return actions
  }

  /// The action for packets that no rule decided about.
  mutating func readLastResort(_ element: Element) -> RuleAction? {
    guard let action = readAction(element) else { return nil }
    guard action.isTerminal else {
      report(
        element, value: element.text, "lets the packet go on, and nothing follows",
        "use drop, forward, reflect, route or host")
      return nil
    }
    return action
  }

  private mutating func readAction(_ element: Element) -> RuleAction? {
    guard element.isMapping else { return readPlainAction(element) }
    guard let entries = entries(element, "an action") else { return nil }
    guard entries.count == 1, let entry = entries.first else {
      report(element, "\(entries.count) actions in one item", "write each as an item of its own: [{count: a}, drop]")
      return nil
    }
    guard Section.action.keys.contains(entry.key) else {
      if Words.terminal.contains(entry.key) {
        report(entry.element, value: entry.element.text, "\(entry.key) takes no value", "write just \(entry.key)")
      } else {
        let words = Section.action.keys + Words.terminal.dropFirst()
        report(
          entry.keyElement, "unknown action",
          Words.nearest(entry.key, words).map { "did you mean \"\($0)\"?" } ?? "use \(Words.list(words))")
      }
      return nil
    }
    return readAction(entry.key, entry.element)
  }

  private mutating func readPlainAction(_ element: Element) -> RuleAction? {
    let word = value(element, "an action such as drop, or forward: PORT") { text throws(ValueFault) in
      if Section.action.keys.contains(text), text != "drop" {
        throw ValueFault("this action needs a value", "write \(text): \(Self.placeholders[text] ?? "VALUE")")
      }
      let words = Words.terminal + Section.action.keys.dropFirst()
      _ = try Self.place(of: text, in: words, "unknown action", "use \(Words.list(words))")
      return text
    }
    return switch word {
    case "drop": .drop("policy")
    case "reflect": .reflect
    case "route": .route
    case "host": .host
    default: nil
    }
  }

  private static let placeholders = [
    "forward": "PORT", "limit": "LIMITER", "sample": "1/100", "count": "NAME", "vlan": "10", "mark": "0x1/0xff",
  ]

  private mutating func readAction(_ key: String, _ element: Element) -> RuleAction? {
    switch key {
    case "drop": return value(element, "a drop reason", PacketValue.reason).map { .drop($0) }
    case "forward": return reference(element, to: portNames, "port").map { .forward(port: $0) }
    case "limit":
      return reference(element, to: limiterNames, "limiter").map { limiter in
        usedLimiters.insert(limiter)
        return .rateLimit(limiter: limiter, excess: excess[limiter])
      }
    case "sample": return value(element, "1/100", NumberValue.oneIn).map { .sample(oneIn: $0) }
    case "count": return value(element, "a name", PacketValue.word).map { .count($0) }
    case "mark":
      return value(element, "a number, or a number with a mask") { text throws(ValueFault) in
        let (value, mask) = try NumberValue.masked(text, bits: 32)
        return .setMark(UInt32(value), mask: UInt32(mask))
      }
    default: return readTag(element)
    }
  }

  /// `vlan: 10`, `vlan: none`, `vlan: {id: 10, pcp: 3}`.
  private mutating func readTag(_ element: Element) -> RuleAction? {
    guard element.isMapping else {
      return value(element, "a VLAN id or none") { text throws(ValueFault) in
        if text == "none" { return .setVLAN(.remove) }
        do throws(ValueFault) { return .setVLAN(.tag(id: try NumberValue.integer(text, 0...4094))) } catch {
          throw ValueFault(error.problem, "use 0 to 4094, or none")
        }
      }
    }
    guard let fields = fields(element, .tag) else { return nil }
    let (id, priority) = (integer(fields["id"], 0...4094), integer(fields["pcp"], 0...7))
    return id.map { .setVLAN(.tag(id: $0, priority: priority)) }
  }
}
