import TenantAPI

extension Plugin {
  /// Asks IPAM for addresses and xskd for the interface. If anything fails nothing stays.
  func add() throws(CNIError) -> JSONValue {
    let ipam = try DelegatedIPAM(configuration, environment)
    var request = try template()
    guard let ipam else {
      let requested = configuration.capability("ips") ?? configuration.argument("ips")
      return try attach(&request, try AssignedAddresses(requested: requested))
    }
    let answer = try ipam.perform(.add)
    do throws(CNIError) {
      guard let answer else {
        throw CNIError(.decoding, "ipam \(ipam.type): its result is no JSON; use another version of it")
      }
      return try attach(&request, try AssignedAddresses(result: answer, from: ipam.type))
    } catch {
      // What it gave is given back; what is wrong is what was wrong first.
      _ = try? ipam.perform(.delete)
      throw error
    }
  }

  /// All of the request but addresses: what is wrong with it shows before IPAM is asked.
  private func template() throws(CNIError) -> AttachRequest {
    let names = [environment.arguments["K8S_POD_NAMESPACE"], environment.arguments["K8S_POD_NAME"]]
    let pod = names.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "/")
    var request = AttachRequest(
      name: pod.isEmpty ? environment.containerID : pod, namespace: environment.namespace,
      device: environment.interface, addresses: [])
    request.network = configuration.name
    request.mac = try text(configuration.capability("mac"), "mac") ?? environment.arguments["MAC"]
    request.mtu = try configuration.number("mtu", 68...65535)
    request.vlan = try configuration.number("vlan", 1...4094)
    request.policy = try configuration.text("policy")
    request.quota = try configuration.quota
    request.uid = try configuration.number("uid", 0...Int64(UInt32.max) - 1).map { UInt32($0) }
    request.cgroup = try text(configuration.capability("cgroupPath"), "cgroupPath")
    request.deviceID = try deviceID
    request.bandwidth = try bandwidth()
    if try configuration.tier == .physicalQueue {
      request.tier = Tier.physicalQueue.rawValue
      try refuseWhatNobodyWouldEnforce(request)
    }
    return request
  }

  /// By the runtime, by a meta-plugin, or by whoever wrote the configuration.
  var deviceID: String? {
    get throws(CNIError) {
      if let given = try text(configuration.capability("deviceID"), "deviceID") { return given }
      return try configuration.text("deviceID")
    }
  }

  /// Packets of a physical queue pass no policy, and its device is as it is.
  private func refuseWhatNobodyWouldEnforce(_ request: AttachRequest) throws(CNIError) {
    guard let key = (request.askedOfPolicies + request.askedOfDevice).first else { return }
    throw CNIError(
      .invalidConfiguration,
      "\(key): not to be had with tier \(Tier.physicalQueue.rawValue), nobody would see to it; leave it out")
  }

  private func attach(_ request: inout AttachRequest, _ given: AssignedAddresses) throws(CNIError) -> JSONValue {
    var addresses = given
    let hasInterface = request.tier == nil
    if hasInterface, request.vlan == nil {
      addresses.route()
      guard !addresses.ips.isEmpty else {
        throw CNIError(
          .invalidConfiguration, "ipam: missing, and no ips are asked for; name an IPAM plugin, or give a vlan")
      }
    }
    request.addresses = addresses.ips.map(\.address)
    // Without an interface they are for whoever reads the result.
    if hasInterface {
      request.routes = addresses.routes.map { .init(destination: $0.destination, gateway: $0.gateway) }
    }
    let tenant: AttachedTenant
    do throws(DaemonError) {
      tenant = try daemon.attach(environment.attachment, request)
    } catch {
      // It may have been done without our being told.
      if case .lost = error { _ = try? daemon.detach(environment.attachment) }
      throw failure(error)
    }
    var result = AttachmentResult(tenant: tenant, addresses: addresses)
    result.pciID = tenant.physicalQueues?.pciID ?? request.deviceID.flatMap { Self.isPCI($0) ? $0 : nil }
    result.dns = configuration.dns ?? addresses.dns
    return result.json(configuration.version, after: configuration.previous)
  }

  private func text(_ value: JSONValue?, _ name: String) throws(CNIError) -> String? {
    guard let value else { return nil }
    guard let text = value.string else {
      throw CNIError(.invalidConfiguration, "runtimeConfig.\(name): \(value.text): no text; give one")
    }
    return text.isEmpty ? nil : text
  }

  private func bandwidth() throws(CNIError) -> AttachRequest.Bandwidth? {
    guard let value = configuration.capability("bandwidth") else { return nil }
    func number(_ key: String) throws(CNIError) -> UInt64? {
      guard let member = value[key] else { return nil }
      guard let number = member.integer, number >= 0 else {
        throw CNIError(
          .invalidConfiguration, "runtimeConfig.bandwidth.\(key): \(member.text): not a number of bits; give one")
      }
      // 0 is how runtimes say that there is none.
      return number == 0 ? nil : UInt64(number)
    }
    let limits = AttachRequest.Bandwidth(
      ingressRate: try number("ingressRate"), ingressBurst: try number("ingressBurst"),
      egressRate: try number("egressRate"), egressBurst: try number("egressBurst"))
    return limits == .init() ? nil : limits
  }

  /// `0000:3b:00.1`
  private static func isPCI(_ text: String) -> Bool {
    let parts = text.split(whereSeparator: { $0 == ":" || $0 == "." })
    return parts.map(\.count) == [4, 2, 2, 1] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
  }
}
