import Glibc

/// An IPAM plugin that this one asks (CNI specification, section 4).
struct DelegatedIPAM {
  let type: String
  let configuration: NetworkConfiguration
  let environment: PluginEnvironment

  /// nil where the configuration names none.
  init?(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
    guard let type = try configuration.ipam else { return nil }
    self.type = type
    self.configuration = configuration
    self.environment = environment
  }

  /// Has it carry out a command, with the environment and the configuration that we were given; its output.
  @discardableResult
  func perform(_ command: PluginEnvironment.Command) throws(CNIError) -> JSONValue? {
    var variables = environment.variables
    variables["CNI_COMMAND"] = command.rawValue
    let outcome: ChildProgram.Outcome
    do throws(ChildProgram.Failure) {
      outcome = try ChildProgram(path: try found(), environment: variables).run(input: configuration.bytes)
    } catch {
      switch error {
      case .notStarted(ENOENT):
        let places = environment.path.joined(separator: ":")
        throw CNIError(
          .invalidConfiguration,
          "ipam.type \(type): no such program in CNI_PATH (\(places)); install it, or correct the name")
      case .notStarted(let code):
        let reason = unsafe String(cString: strerror(code))
        throw CNIError(.delegate, "ipam \(type): can't be started: \(reason); check the plugin in CNI_PATH")
      case .endless:
        throw CNIError(.tryAgain, "ipam \(type): no end of it within a minute; see what it waits for")
      }
    }
    let answer = JSONValue(parsing: outcome.output)
    guard outcome.status == 0 else { throw refusal(of: command, answer, outcome) }
    return answer
  }

  /// What it said, under the code that it gave.
  private func refusal(
    of command: PluginEnvironment.Command, _ answer: JSONValue?, _ outcome: ChildProgram.Outcome
  ) -> CNIError {
    guard let number = answer?["code"]?.integer, let message = answer?["msg"]?.string else {
      return CNIError(
        .delegate, "ipam \(type): failed with status \(outcome.status); see its messages",
        details: String(decoding: outcome.output.prefix(1000), as: UTF8.self))
    }
    let code = CNIError.Code(rawValue: Int(number))
    return CNIError(
      code, "ipam \(type): \(message)\(remedy(command, code))", details: answer?["details"]?.string ?? "")
  }

  /// A plugin that is older than the configuration's version says no more than that; one that does not look at it knows no command
  /// that came later.
  private func remedy(_ command: PluginEnvironment.Command, _ code: CNIError.Code) -> String {
    let isNew = command == .status || command == .collect
    guard code == .incompatibleVersion || isNew && code == .invalidEnvironment else { return "" }
    return "; it is older than the configuration's cniVersion: write one that both have (CNI_COMMAND=VERSION tells), "
      + "or install a newer \(type)"
  }

  private func found() throws(ChildProgram.Failure) -> String {
    for directory in environment.path where unsafe access("\(directory)/\(type)", X_OK) == 0 {
      return "\(directory)/\(type)"
    }
    throw .notStarted(code: ENOENT)
  }
}
