import Forwarder
import XSKEngine

// What is allowed, but hardly meant: looked for when nothing is wrong.

extension ConfigurationReader {
  mutating func tellOddities(_ fields: Fields, _ configuration: ForwarderConfiguration) {
    let rules = configuration.rules
    let isConfigured = !configuration.routes.isEmpty || configuration.kernelRoutes != nil
    let hasRoutes = isConfigured || configuration.ports.contains { !$0.addresses.isEmpty }
    if rules.routes, !hasRoutes {
      warn(fields.element, "packets are routed, but there are no routes", "add routes, or addresses of ports")
    }
    if let routes = fields["routes"], isConfigured, !rules.routes {
      warn(routes, "nothing is routed", "add a rule or a default with the action route")
    }
    if rules.deliversToHost, configuration.ports.allSatisfy({ $0.tap == nil }) {
      warn(
        fields.element, "packets go to the host, but no port has a TAP device: they are dropped as no_host",
        "add tap to the ports, or leave what is the host's own to punt")
    }
    for name in setNames where !usedSets.contains(name) {
      guard let element = fields["sets"] else { break }
      warn(fieldElement(element, name), "nothing uses this set", "name it in a rule or a route, or take it out")
    }
    for (number, name) in limiterNames.enumerated() where !usedLimiters.contains(number) {
      guard let element = fields["limiters"] else { break }
      warn(fieldElement(element, name), "nothing uses this limiter", "name it in a rule, or take it out")
    }
    tellOddities(of: rules.rules, ruleElements)
    tellAbsentMetadata(configuration)
  }

  private mutating func tellAbsentMetadata(_ configuration: ForwarderConfiguration) {
    let written = Set(configuration.metadata.keys.map(\.number))
    for (rule, element) in zip(configuration.rules.rules, ruleElements) {
      for pattern in rule.match.metadata where pattern.key < 32 && !written.contains(pattern.key) {
        guard Int(pattern.key) < Words.metadata.count else { continue }
        let name = Words.metadata[Int(pattern.key)]
        let place = element.renamed("\(element.path).match.metadata.\(name)")
        warn(place, "no packet has this metadata", "add \(name) to metadata.write")
      }
    }
  }
}
