import TenantAPI

extension Plugin {
  /// Whether the container's network is as ADD said.
  func check() throws(CNIError) {
    guard let previous = configuration.previous else {
      throw CNIError(.invalidConfiguration, "prevResult: missing; CHECK compares with what ADD said")
    }
    try DelegatedIPAM(configuration, environment)?.perform(.check)
    let problems: [String]
    do throws(DaemonError) {
      let tenant = try daemon.tenant(environment.attachment)
      problems = differences(from: previous, tenant) + (try daemon.check(environment.attachment).problems)
    } catch {
      throw failure(error)
    }
    guard problems.isEmpty else {
      throw CNIError(
        .changed, "\(environment.attachment): \(problems[0]); attach the container again",
        details: problems.dropFirst().joined(separator: "; "))
    }
  }

  /// What xskd has on its books otherwise than ADD said.
  private func differences(from previous: JSONValue, _ tenant: AttachedTenant) -> [String] {
    let interfaces = previous["interfaces"]?.array ?? []
    let physical = tenant.physicalQueues?.device
    let isOurs = { (value: JSONValue) in
      value["name"]?.string == physical ?? environment.interface
        && value["sandbox"]?.string ?? "" == (physical == nil ? environment.namespace : "")
    }
    guard let index = interfaces.firstIndex(where: isOurs) else {
      return [
        "prevResult has no interface " + (physical ?? "\(environment.interface) in \(environment.namespace)")
      ]
    }
    var problems: [String] = []
    if tenant.namespace != environment.namespace {
      problems.append("namespace is \(tenant.namespace), not \(environment.namespace)")
    }
    func compare(_ what: String, _ then: String?, _ now: String) {
      if let then, !then.isEmpty, then != now { problems.append("\(what) is \(now), not \(then)") }
    }
    compare("mac", interfaces[index]["mac"]?.string, tenant.mac)
    compare("mtu", interfaces[index]["mtu"]?.integer.map { "\($0)" }, "\(tenant.mtu)")
    compare("socketPath", interfaces[index]["socketPath"]?.string, tenant.socketPath)
    for ip in previous["ips"]?.array ?? [] where ip["interface"]?.integer == Int64(index) {
      guard let address = ip["address"]?.string, !tenant.addresses.contains(address) else { continue }
      problems.append("address \(address) is not assigned")
    }
    return problems
  }
}
