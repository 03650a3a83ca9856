import FoundationEssentials
import Glibc
import Testing

@testable import CNIPlugin

/// The built plugin, with an xskd and an IPAM plugin of ours, in a directory of its own.
final class PluginLab {
  let directory: String
  let daemon: FakeDaemon

  init() throws {
    directory = "/tmp/xsk-cni-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: "\(directory)/bin", withIntermediateDirectories: true)
    daemon = FakeDaemon(in: directory)
    try writeIPAM()
  }

  deinit {
    daemon.end()
    try? FileManager.default.removeItem(atPath: directory)
  }

  struct Answer {
    let status: Int32
    let text: String
    let json: JSONValue?

    var code: Int? { json?["code"]?.integer.map { Int($0) } }
    var message: String { json?["msg"]?.string ?? "" }
  }

  /// Runs the plugin.
  ///
  /// - Parameters:
  ///   - configuration: standard input; the socket and, unless there is one, the name are added.
  ///   - environment: changes to what a runtime says for the command; "" takes a variable away.
  func run(
    _ command: String, _ configuration: [String: JSONValue], environment: [String: String] = [:]
  ) throws -> Answer {
    var members: [String: JSONValue] = [
      "name": "tenants", "type": "xsk-cni", "socket": .string(daemon.path),
    ]
    members.merge(configuration) { $1 }
    return try run(command, input: JSONValue.object(members).bytes, environment: environment)
  }

  func run(_ command: String, input: [UInt8], environment: [String: String] = [:]) throws -> Answer {
    var variables = [
      "PATH": "/usr/bin:/bin", "CNI_COMMAND": command, "CNI_PATH": "\(directory)/bin", "CNI_CONTAINERID": "c0ffee",
      "CNI_NETNS": "/run/netns/c0ffee", "CNI_IFNAME": "eth0",
    ]
    variables.merge(environment) { $1 }
    let outcome = try ChildProgram(path: try Self.plugin(), environment: variables.filter { !$0.value.isEmpty })
      .run(input: input)
    let text = String(decoding: outcome.output, as: UTF8.self)
    return Answer(status: outcome.status, text: text, json: JSONValue(parsing: outcome.output))
  }

  /// `xsk-cni` as it was built beside the tests.
  static func plugin() throws -> String {
    var place = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<6 {
      let candidate = place.appending(path: "xsk-cni").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      place = place.deletingLastPathComponent()
    }
    Issue.record("xsk-cni isn't built")
    return "xsk-cni"
  }

  /// What the IPAM plugin says to a command, and its exit status.
  func setIPAM(_ command: String, says text: String, status: Int = 0) throws {
    try write(text, "ipam.\(command).out")
    try write("\(status)", "ipam.\(command).status")
  }

  /// The commands that the IPAM plugin was given, in order.
  var ipamCalls: [String] {
    ((try? String(contentsOfFile: "\(directory)/ipam.calls", encoding: .utf8)) ?? "")
      .split(separator: "\n").map(String.init)
  }

  /// What it read on standard input when it was called last.
  var ipamInput: JSONValue? { contents("ipam.input").flatMap { JSONValue(parsing: $0) } }

  func contents(_ name: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: "\(directory)/\(name)"))).map(Array.init)
  }

  func write(_ text: String, _ name: String) throws {
    try Data(Array(text.utf8)).write(to: URL(filePath: "\(directory)/\(name)"))
  }

  private func writeIPAM() throws {
    let script = """
      #!/bin/sh
      echo "$CNI_COMMAND" >> \(directory)/ipam.calls
      cat > \(directory)/ipam.input
      cat "\(directory)/ipam.$CNI_COMMAND.out" 2> /dev/null
      exit "$(cat "\(directory)/ipam.$CNI_COMMAND.status" 2> /dev/null || echo 0)"
      """
    try write(script, "bin/fake-ipam")
    // Safe: the path is a C string for the call.
    unsafe chmod("\(directory)/bin/fake-ipam", 0o755)
    try setIPAM(
      "ADD",
      says: """
        {"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}, {"address": "fd00::5/64"}],
         "routes": [{"dst": "0.0.0.0/0"}], "dns": {"nameservers": ["10.1.0.53"]}}
        """)
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(uniqueKeysWithValues: elements))
  }
}
