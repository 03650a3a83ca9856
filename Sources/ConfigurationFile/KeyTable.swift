import Forwarder

/// A mapping of the file, and its keys. The parser, the schema and the documentation are compared with these.
package struct Section: Sendable {
  /// Its name in the schema's definitions.
  let name: String
  let keys: [String]
  let required: [String]

  package init(_ name: String, _ keys: [String], required: [String] = []) {
    (self.name, self.keys, self.required) = (name, keys, required)
  }

  static let file = Section(
    "file",
    [
      "version", "ports", "engine", "metadata", "offload", "sets", "limiters", "rules", "default", "malformed",
      "routes",
      "neighbours",
    ], required: ["version", "ports"])
  package static let port = Section(
    "port", ["device", "queues", "vlan", "mtu", "addresses", "tap", "punt", "promiscuous"], required: ["device"])
  static let punt = Section(
    "punt", ["addresses", "neighbours", "listener-queries", "ethertypes", "protocols", "services"])
  package static let engine = Section(
    "engine", ["cores", "mode", "idle", "batch", "chunk", "hugepages", "gro", "gro-hold"])
  static let metadata = Section("metadata", ["write", "mark", "keys"])
  static let metadataKey = Section("metadata-key", ["number", "bytes"], required: ["number", "bytes"])
  static let offload = Section("offload", ["flows", "sources", "lifetime"])
  package static let setFile = Section("set-file", ["file"], required: ["file"])
  package static let limiter = Section(
    "limiter", ["rate", "burst", "per", "ipv4-prefix", "ipv6-prefix", "entries", "excess"], required: ["rate"])
  static let rule = Section("rule", ["name", "match", "then", "offload"], required: ["name", "then"])
  package static let match = Section(
    "match",
    [
      "iif", "ether-saddr", "ether-daddr", "vlan", "vlan-pcp", "ethertype", "ip-version", "protocol", "saddr", "daddr",
      "saddr-set", "daddr-set", "sport", "dport", "icmp-type", "icmp-code", "tcp-flags", "fragment", "length",
      "metadata",
    ])
  package static let negation = Section("negation", ["not"], required: ["not"])
  static let action = Section("action", ["drop", "forward", "limit", "sample", "count", "vlan", "mark"])
  static let tag = Section("tag", ["id", "pcp"], required: ["id"])
  package static let routes = Section("routes", ["kernel", "table", "static"], required: ["kernel"])
  package static let route = Section("route", ["prefix", "set", "via", "port", "mac", "type", "mtu", "vlan"])
  package static let neighbour = Section("neighbour", ["mac", "port"], required: ["mac", "port"])

  static let all = [
    file, port, punt, engine, metadata, metadataKey, offload, setFile, limiter, rule, match, negation, action, tag,
    routes, route,
    neighbour,
  ]
}

/// Words that values are chosen from.
package enum Words {
  static let punt = ["auto", "host", "off"]
  static let puntNeighbours = ["off", "own", "all"]
  static let offload = RuleOffload.allCases.map(\.rawValue)
  static let pages = ["2M", "1G", "off"]
  static let gro = ["off", "chain"]
  static let metadata = ["rx-hash", "rx-timestamp", "vlan", "flow-tag", "ifindex", "mark"]
  static let per = ["rule", "source", "destination", "flow"]
  static let terminal = ["drop", "reflect", "route", "host"]
  static let routeTypes = ["blackhole", "unreachable", "prohibit"]

  /// "a, b or c".
  package static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The word that was most likely meant; nil if none is near.
  package static func nearest(_ word: String, _ words: [String]) -> String? {
    // Nobody means a word by a text that is much longer, and the distance takes time by both lengths.
    guard word.utf8.count <= 32 else { return nil }
    let distances = words.map { (word: $0, distance: distance(Array(word.lowercased().utf8), Array($0.utf8))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    let length = min(word.utf8.count, best.word.utf8.count)
    return best.distance <= (length < 3 ? 0 : max(1, length / 3)) ? best.word : nil
  }

  /// Letters to be put in, taken out, exchanged, or swapped with their neighbours (Damerau; optimal string alignment).
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var next = [i + 1]
      for (j, b) in right.enumerated() {
        var best = min(row[j] + (a == b ? 0 : 1), row[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { best = min(best, before[j - 1] + 1) }
        next.append(best)
      }
      (before, row) = (row, next)
    }
    return row[right.count]
  }
}
