/// What the doctor thinks of the CPUs that workers would run on.
struct PlacementChecks {
  let host: HostFacts
  let requirements: Requirements

  /// The CPUs that were asked for must be usable ones.
  var cores: Finding {
    let usable = Set(host.usableCPUs)
    let list = Self.text(host.usableCPUs)
    if let core = requirements.cores?.first(where: { !usable.contains($0) }) {
      return Finding(
        "CPUs", of: "core \(core)", .failed, "this process may not run there (it may on \(list))",
        remedy: "choose among \(list), or: taskset -c \(core) COMMAND")
    }
    guard host.usableCPUs.count > 1 else {
      return Finding(
        "CPUs", of: "CPUs", .limited, "only CPU \(list) is usable: a worker shares it with everything else",
        remedy: "give the machine or container a second CPU")
    }
    let isolated = host.isolatedCPUs.filter { usable.contains($0) || requirements.cores?.contains($0) == true }
    guard isolated.isEmpty else {
      return Finding("CPUs", of: "CPUs", .ok, "usable \(list), isolated \(Self.text(isolated))")
    }
    let workers = Self.text(requirements.cores ?? Array(host.usableCPUs.dropFirst()))
    return Finding(
      "CPUs", of: "CPUs", .ok, "usable \(list), none isolated: other work may interrupt a worker",
      remedy: "for steady latency boot with: isolcpus=\(workers) nohz_full=\(workers) rcu_nocbs=\(workers)")
  }

  /// Workers should run on the device's node.
  func node(of device: NetworkDevice) -> Finding {
    let subject = "\(device.name) NUMA node"
    guard host.nodes.count > 1 else { return Finding("NUMA", of: subject, .ok, "one node") }
    guard device.numaNode >= 0, let near = host.nodes[device.numaNode] else {
      return Finding("NUMA", of: subject, .ok, "\(host.nodes.count) nodes, the device belongs to none")
    }
    let chosen = requirements.cores ?? host.usableCPUs
    let far = chosen.filter { !near.contains($0) }
    let onNode = "on node \(device.numaNode) (CPUs \(Self.text(near)))"
    if near.allSatisfy({ !chosen.contains($0) }) || (requirements.cores != nil && !far.isEmpty) {
      return Finding(
        "NUMA", of: subject, .limited, "\(onNode), but workers would run on CPUs \(Self.text(far))",
        remedy: "choose --cores among \(Self.text(near))")
    }
    return Finding("NUMA", of: subject, .ok, onNode)
  }

  /// CPUs as ranges: "0-3,8".
  static func text(_ cpus: [Int]) -> String {
    var ranges = [ClosedRange<Int>]()
    for cpu in Set(cpus).sorted() {
      if let last = ranges.last, last.upperBound == cpu - 1 {
        ranges[ranges.count - 1] = last.lowerBound...cpu
      } else {
        ranges.append(cpu...cpu)
      }
    }
    guard !ranges.isEmpty else { return "none" }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}
