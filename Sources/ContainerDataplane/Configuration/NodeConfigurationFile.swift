public import ConfigurationFile

/// What reading a node's configuration file came to.
public struct NodeConfigurationReport: Sendable {
  /// Errors and warnings in the order of the file; those of the files that it names follow.
  public let problems: [ConfigurationProblem]
  /// nil if there is any error.
  public let configuration: NodeConfiguration?

  init(problems: [ConfigurationProblem], configuration: NodeConfiguration?) {
    self.problems = problems
    self.configuration = problems.contains { $0.severity == .error } ? nil : configuration
  }
}

/// The node's configuration file: YAML 1.2, described in docs/containers.md.
public enum NodeConfigurationFile {
  /// Reads a file, and the files of prefixes that it names. Touches no device, and changes nothing.
  ///
  /// - Parameter queues: how many queues a device has, to find queues that aren't there; nil: they may come later.
  public static func read(_ path: String, queues: (String) -> Int? = { _ in nil }) -> NodeConfigurationReport {
    switch ConfigurationFile.text(of: path) {
    case .failure(let problem): NodeConfigurationReport(problems: [problem], configuration: nil)
    case .success(let text): parse(text, file: path, queues: queues)
    }
  }

  /// Reads a configuration's text.
  ///
  /// - Parameters:
  ///   - file: the name that problems are told under, and whose directory paths are relative to.
  ///   - queues: as in `read`.
  public static func parse(
    _ text: String, file: String, queues: (String) -> Int? = { _ in nil }
  ) -> NodeConfigurationReport {
    let (configuration, problems) = ConfigurationFile.parse(text, file: file) { $0.readNode($1, queues: queues) }
    return NodeConfigurationReport(problems: problems, configuration: configuration)
  }
}
