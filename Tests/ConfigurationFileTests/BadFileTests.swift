import ConfigurationFile
import Testing

@Suite struct BadFileTests {
  @Test(
    arguments: BadFile.documents + BadFile.portRows + BadFile.punt + BadFile.engine + BadFile.metadata + BadFile.sets
      + BadFile.limiters
      + BadFile.routes)
  func `a bad definition is refused with its place, key, value and remedy`(file: BadFile) {
    let report = ConfigurationFile.parse(file.text, file: "f")
    #expect(report.problems.map(\.description) == file.messages)
    #expect(report.configuration == nil && !report.errors.isEmpty)
  }

  @Test(arguments: BadFile.rules + BadFile.conditions + BadFile.actions + BadFile.offload)
  func `a bad rule is refused with its place, key, value and remedy`(file: BadFile) {
    let report = ConfigurationFile.parse(file.text, file: "f")
    #expect(report.problems.map(\.description) == file.messages)
    #expect(report.configuration == nil && !report.errors.isEmpty)
  }

  @Test(arguments: BadFile.warnings + BadFile.oddities)
  func `what is hardly meant is told, and used all the same`(file: BadFile) {
    let report = ConfigurationFile.parse(file.text, file: "f")
    #expect(report.warnings.map(\.description) == file.messages)
    #expect(report.errors.isEmpty && report.configuration != nil)
  }

  @Test(arguments: BadFile.pairs)
  func `rules that are met are not called odd`(first: String, second: String) {
    let rules = [("r", first), ("t", second)].map { "{name: \($0), match: {\($1)}, then: drop}" }
    let text = BadFile.ports + "rules: [\(rules.joined(separator: ", "))]"
    let report = ConfigurationFile.parse(text, file: "f")
    #expect(report.errors == [] && report.warnings.filter { !$0.key.contains("metadata") } == [])
  }

  @Test func `all errors are listed in the order of the file`() {
    let text = """
      version: 2
      ports:
        lan: {device: eth0, mtu: 9}
        wan: {device: eth0, queus: 0-3}
        wan: {device: eth1}
      engine: {mode: fast, bach: 12}
      sets: {a: [10.0.0.1/8, x]}
      rules:
        - {name: x, match: {saddr: *foo, dport: 70000}, then: drop}
        - {name: x, match: {iif: lam, saddr-set: a}, then: [drop, route]}
      default: {count: x}
      """
    #expect(
      ConfigurationFile.parse(text, file: "f").problems.map(\.description) == [
        "f:1:10: version: value \"2\": not a version that is known; write 1",
        "f:3:28: ports.lan.mtu: value \"9\": out of range; use 576 to 65535",
        "f:4:3: wan: given twice; keep one of the two",
        "f:6:16: engine.mode: value \"fast\": unknown; use auto, zerocopy, copy or generic",
        "f:6:22: engine.bach: unknown key; did you mean \"batch\"?",
        "f:7:12: sets.a[0]: value \"10.0.0.1/8\": has address bits set behind the prefix; write 10.0.0.0/8",
        "f:7:24: sets.a[1]: value \"x\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
        "f:9:30: rules.x.match.saddr: value \"*foo\": an alias, which this file can't have; write out what it stands for, or quote it",
        "f:9:43: rules.x.match.dport: value \"70000\": out of range; use 0 to 65535",
        "f:10:12: rules[1].name: value \"x\": another rule has this name; give each rule a name of its own",
        "f:10:28: rules.x.match.iif: value \"lam\": there is no port of this name; did you mean \"lan\"?",
        "f:10:61: rules.x.then[1]: value \"route\": never carried out: drop ends the packet's way; put it ahead of drop, or take it out",
        "f:11:10: default: lets the packet go on, and nothing follows; use drop, forward, reflect, route or host",
      ])
  }

  @Test func `what is too much of all together is told once`() {
    let keys = (32..<62).map { "k\($0): {number: \($0), bytes: 8}" }.joined(separator: ", ")
    #expect(
      messages("metadata: {keys: {\(keys)}}") == [
        "f:3:11: metadata: 256 bytes ahead of each packet, more than any kernel accepts; name fewer keys: 252 bytes at most, of which the header takes 16"
      ])
    let rules = (1...17).map { "{name: r\($0), match: {metadata: {mark: 0/\($0)}}, then: drop}" }
    #expect(
      messages("rules: [\(rules.joined(separator: ", "))]") == [
        "f:3:8: rules: they look at 17 different metadata keys, MAC fields and masks of these; use at most 16"
      ])
    let ports = (0..<255).map { "p\($0): {device: d\($0)}" }.joined(separator: ", ")
    let report = ConfigurationFile.parse("version: 1\nports: {\(ports)}", file: "f")
    #expect(report.problems.map(\.description) == ["f:2:8: ports: 255 ports; define 1 to 254"])
  }

  private func messages(_ text: String) -> [String] {
    ConfigurationFile.parse(BadFile.ports + text, file: "f").problems.map(\.description)
  }

  @Test func `a value is told on one line, without control characters`() {
    let report = ConfigurationFile.parse(
      BadFile.ports + "engine: {mode: \"a\\n\\e[31m\(String(repeating: "x", count: 200))\"}", file: "f")
    let message = report.problems.first?.description ?? ""
    #expect(message.hasPrefix("f:3:16: engine.mode: value \"a��[31mxxx"))
    #expect(message.hasSuffix("xxx…\": unknown; use auto, zerocopy, copy or generic"))
    #expect(message.utf8.count < 220)
  }
}
