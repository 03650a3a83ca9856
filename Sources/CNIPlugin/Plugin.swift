import TenantAPI

/// What goes to standard output, and the exit status.
public struct PluginOutcome: Hashable, Sendable {
  public var output: [UInt8]
  public var status: Int32
}

/// One call of the plugin: a runtime's command and configuration, carried out by xskd.
public struct Plugin {
  let environment: PluginEnvironment
  let configuration: NetworkConfiguration
  let daemon: DaemonClient

  private init(_ environment: PluginEnvironment, _ configuration: NetworkConfiguration) throws(CNIError) {
    self.environment = environment
    self.configuration = configuration
    daemon = DaemonClient(path: try configuration.socket)
  }

  /// - Parameters:
  ///   - variables: the environment.
  ///   - input: all of standard input.
  public static func run(_ variables: [String: String], input: [UInt8]) -> PluginOutcome {
    do throws(CNIError) {
      let environment = try PluginEnvironment(variables)
      if environment.command == .version { return success(try versions(input)) }
      let configuration = try NetworkConfiguration(input, for: environment.command)
      return success(try Plugin(environment, configuration).perform())
    } catch {
      return PluginOutcome(output: error.json(version: spokenVersion(input)).bytes + [0x0a], status: 1)
    }
  }

  private static func success(_ answer: JSONValue?) -> PluginOutcome {
    PluginOutcome(output: answer.map { $0.bytes + [0x0a] } ?? [], status: 0)
  }

  private func perform() throws(CNIError) -> JSONValue? {
    switch environment.command {
    case .add: return try add()
    case .delete: try delete()
    case .check: try check()
    case .status: try status()
    case .collect: try collect()
    case .version: break
    }
    return nil
  }

  /// VERSION answers in the version that it is asked in; before 0.4.0 nothing is said on standard input.
  private static func versions(_ input: [UInt8]) throws(CNIError) -> JSONValue {
    let isSilent = input.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) }
    guard isSilent || JSONValue(parsing: input)?.object != nil else {
      throw CNIError(
        .decoding, "standard input: no JSON object; give {\"cniVersion\": \"\(CNIVersion.newest.rawValue)\"}")
    }
    return .object([
      "cniVersion": .string(JSONValue(parsing: input)?["cniVersion"]?.string ?? CNIVersion.newest.rawValue),
      "supportedVersions": .array(CNIVersion.allCases.map { .string($0.rawValue) }),
    ])
  }

  /// The version to say in what is wrong, even with the input.
  private static func spokenVersion(_ input: [UInt8]) -> String {
    let named = JSONValue(parsing: input)?["cniVersion"]?.string
    return named.flatMap(CNIVersion.init(rawValue:))?.rawValue ?? CNIVersion.newest.rawValue
  }
}

extension Plugin {
  /// What xskd's refusals are in CNI's words.
  func failure(_ error: DaemonError) -> CNIError {
    switch error {
    case .absent:
      CNIError(.tryAgain, "xskd: nobody listens on \(daemon.path); start it: systemctl start xskd")
    case .lost(let reason):
      CNIError(.tryAgain, "xskd: \(daemon.path): \(reason); see its messages: journalctl -u xskd")
    case .foreign:
      CNIError(.io, "xskd: \(daemon.path): what listens there does not answer as xskd does; name its socket")
    case .refused(let status, let reason):
      switch status {
      case 400: CNIError(.invalidConfiguration, reason)
      case 404: CNIError(.unknownContainer, reason)
      case 409: CNIError(.conflict, reason)
      case 503: CNIError(.tryAgain, reason)
      default: CNIError(.daemon, reason, details: "xskd answered \(status)")
      }
    }
  }
}
