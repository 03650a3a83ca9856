import Foundation
import Testing

/// A systemd unit of `packaging`.
struct UnitFile {
  /// `KEY=VALUE` lines, in order.
  private let settings: [(key: String, value: String)]

  init(_ name: String) throws {
    let file = BuiltPrograms.package.appendingPathComponent("packaging/\(name)")
    settings = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      let halves = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return line.hasPrefix("#") || halves.count < 2 ? nil : (String(halves[0]), String(halves[1]))
    }
  }

  /// The only value of a key.
  func value(_ key: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let values = settings.filter { $0.key == key }.map(\.value)
    try #require(values.count == 1, "\(key): \(values)", sourceLocation: sourceLocation)
    return values[0]
  }

  /// Without `CAP_`, as setpriv(1) has them.
  func capabilities() throws -> [String] {
    try value("CapabilityBoundingSet").split(separator: " ").map { $0.dropFirst("CAP_".count).lowercased() }
  }

  /// Starts the command behind it with the unit's capabilities and no way to others.
  func privileges() throws -> [String] {
    let set = "-all," + (try capabilities()).map { "+\($0)" }.joined(separator: ",")
    return ["setpriv", "--bounding-set", set, "--inh-caps", set, "--no-new-privs"]
  }

  /// The options behind the program's name in `ExecStart=`.
  func options() throws -> [String] {
    try value("ExecStart").split(separator: " ").dropFirst().map(String.init)
  }
}
