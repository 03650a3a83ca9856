import ArgumentParser
import FoundationEssentials
import Measuring
import TenantAPI
import XSKEngine
import XSKLab

/// How long it takes until a container has its interface.
struct AttachBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "How long an attachment takes: by xskd's API, and by xsk-cni from its start to its end.",
    discussion: """
      A node is made with xskd and its dataplane, and a container. It is attached and detached again and again, under another \
      name each time: first by the API, whose answer says how long it took, until the dataplane takes the container's packets; \
      then by the plugin's ADD, with the time that starting a process takes. Exit status: 0 done; 1 an answer came before the \
      dataplane took the packets. Needs root, and xskd and xsk-cni built beside this program.
      """)

  @Option(help: "Attachments by each way, 10…10000.") var count = 50
  @Option(help: "Milliseconds between one and the next, 0…10000.") var pause = 200.0
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (10...10_000).contains(count) else {
      throw ValidationError("--count \(count): out of range; give 10 to 10000")
    }
    guard (0...10_000).contains(pause) else { throw ValidationError("--pause \(pause): out of range; give 0 to 10000") }
  }

  private struct Answer: Decodable {
    var attachMilliseconds: Double?
  }

  private struct Followed: Decodable {
    struct Traffic: Decodable { var tenant: String }
    var traffic: Traffic
    var state: String
  }

  private struct Counters: Decodable {
    var tenants: [Followed]
  }

  func run() throws {
    let signals = StopSignals()
    try TenantNode.prepareMounts()
    let node = try TenantNode(in: try NetworkNamespace("node"), configuration: "version: 1\n")
    let container = try NetworkNamespace("container")
    // What is made ahead for the first one is there by then.
    try signals.pause(1)
    var (api, plugin, early) = ([Double](), [Double](), 0)
    do {
      for number in 0..<count {
        api.append(try attach(node, container, "api-\(number)", &early))
        try signals.pause(pause / 1000)
      }
      for number in 0..<count {
        plugin.append(try add(node, container, "cni\(number)"))
        try signals.pause(pause / 1000)
      }
    } catch is Interrupted {
      complain("interrupted: these are the attachments so far")
    }
    let report = AttachTimes(
      command: typedCommand, machine: .current, api: api, plugin: plugin,
      early: early)
    try output.write(report.text, json: try report.json())
    guard early == 0 else { throw ExitCode(1) }
  }

  private func attach(
    _ node: TenantNode, _ container: NetworkNamespace, _ id: String, _ early: inout Int
  ) throws -> Double {
    let request = AttachRequest(
      name: id, namespace: TenantNode.path(of: container), device: "eth0", addresses: ["10.1.0.5/32"])
    let body = try JSONEncoder().encode(request)
    let (answer, counters) = try node.ask { client throws(DaemonError) in
      let answer: Answer = try client.decoded(client.ask("PUT", "/v1/tenants/\(id)", body: Array(body)))
      let counters: Counters = try client.decoded(client.ask("GET", "/v1/counters"))
      try client.detach(id)
      return (answer, counters)
    }
    if !counters.tenants.contains(where: { $0.traffic.tenant == id && $0.state == "open" }) { early += 1 }
    guard let milliseconds = answer.attachMilliseconds else {
      throw XSKError("tenant \(id)", "was there already", remedy: "please report this as a bug")
    }
    return milliseconds
  }

  private func add(_ node: TenantNode, _ container: NetworkNamespace, _ id: String) throws -> Double {
    let file = "\(TenantNode.directory)/cni.json"
    let configuration = """
      {"cniVersion": "1.0.0", "name": "bench", "type": "xsk-cni", "socket": "\(TenantNode.directory)/run/xskd.sock",
       "capabilities": {"ips": true}, "runtimeConfig": {"ips": ["10.1.0.5/32"]}}
      """
    try Data(configuration.utf8).write(to: URL(filePath: file))
    func call(_ verb: String) throws -> Double {
      let start = TimestampClock.monotonicNanoseconds
      let result = try node.host.run([
        "env", "CNI_COMMAND=\(verb)", "CNI_CONTAINERID=\(id)", "CNI_IFNAME=eth0", "CNI_PATH=/usr/lib/cni",
        "CNI_NETNS=\(TenantNode.path(of: container))", "sh", "-c",
        "exec \(try TenantNode.program("xsk-cni")) < \(file)",
      ])
      let end = TimestampClock.monotonicNanoseconds
      guard result.succeeded else {
        throw XSKError("xsk-cni \(verb)", "failed: \(result.output)", remedy: "see: \(node.messages)")
      }
      return Double(end - start) / 1e6
    }
    let milliseconds = try call("ADD")
    _ = try call("DEL")
    return milliseconds
  }
}

/// What attachments took, in milliseconds.
private struct AttachTimes: Encodable {
  let command: String
  let machine: Machine
  /// As the API's answer has it.
  let api: [Double]
  /// From the plugin's start to its end.
  let plugin: [Double]
  /// Answers that came before the dataplane took the container's packets.
  let early: Int

  var text: String {
    [
      machine.summary, "",
      line("API, attachMilliseconds", api), line("xsk-cni ADD, start to end", plugin),
      "answered before the dataplane took packets: \(early)",
    ].joined(separator: "\n")
  }

  private func line(_ name: String, _ values: [Double]) -> String {
    guard !values.isEmpty else { return "\(name): none" }
    let (middle, most) = (values.median.short, values.quantile(0.95).short)
    let (least, longest) = ((values.min() ?? 0).short, (values.max() ?? 0).short)
    return "\(name): median \(middle) ms, 95 % \(most), \(least) … \(longest), of \(values.count)"
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
