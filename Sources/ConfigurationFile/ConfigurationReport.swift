public import Forwarder

/// What reading a configuration file came to.
public struct ConfigurationReport: Sendable {
  /// Errors and warnings in the order of the file; those of the files that it names follow.
  public let problems: [ConfigurationProblem]
  /// nil if there is any error.
  public let configuration: ForwarderConfiguration?

  public var errors: [ConfigurationProblem] { problems.filter { $0.severity == .error } }
  public var warnings: [ConfigurationProblem] { problems.filter { $0.severity == .warning } }

  init(problems: [ConfigurationProblem], configuration: ForwarderConfiguration?) {
    self.problems = problems
    self.configuration = problems.contains { $0.severity == .error } ? nil : configuration
  }
}

/// The forwarder's configuration file: YAML 1.2, described in docs/configuration.md.
public enum ConfigurationFile {
  /// Bytes that a configuration file may have.
  public static var maximumBytes: Int { 16 << 20 }
  /// Bytes that a file of prefixes may have.
  public static var maximumSetBytes: Int { 512 << 20 }

  /// Reads a file, and the files of prefixes that it names. Touches no device, and changes nothing.
  ///
  /// - Parameter path: paths in the file are relative to its directory.
  public static func read(_ path: String) -> ConfigurationReport {
    switch text(of: path) {
    case .failure(let problem): ConfigurationReport(problems: [problem], configuration: nil)
    case .success(let text): parse(text, file: path)
    }
  }

  /// The text of a file of some kind.
  package static func text(of path: String) -> Result<String, ConfigurationProblem> {
    switch SourceFile.read(path, maximumBytes: maximumBytes) {
    case .failure(let fault): .failure(ConfigurationProblem(file: path, fault.problem, remedy: fault.remedy))
    case .success(let bytes):
      String(validating: bytes, as: UTF8.self).map { .success($0) }
        ?? .failure(ConfigurationProblem(file: path, "not UTF-8", remedy: "save it as UTF-8 text"))
    }
  }

  /// Reads a configuration's text.
  ///
  /// - Parameter file: the name that problems are told under, and whose directory paths are relative to.
  public static func parse(_ text: String, file: String) -> ConfigurationReport {
    let (configuration, problems) = parse(text, file: file) { $0.read($1) }
    return ConfigurationReport(problems: problems, configuration: configuration)
  }

  /// Reads the text of a file of some kind.
  ///
  /// - Parameter read: makes a value of the document, and tells the reader what is wrong.
  /// - Returns: the value, and all problems in the order of the file; those of the files that it names follow.
  package static func parse<Value>(
    _ text: String, file: String, read: (inout ConfigurationReader, Element) -> Value?
  ) -> (value: Value?, problems: [ConfigurationProblem]) {
    let document = YAMLDocument(text, file: file)
    guard let root = document.root else { return (nil, document.problems) }
    var reader = ConfigurationReader(file: file)
    let value = read(&reader, Element(root, path: ""))
    let problems = (document.problems + reader.problems).enumerated().sorted { left, right in
      let (one, other) = (left.element, right.element)
      // The sort is not stable: what stands at one place keeps its order by its number.
      return (one.line ?? 0, one.column ?? 0, left.offset) < (other.line ?? 0, other.column ?? 0, right.offset)
    }
    return (value, problems.map(\.element) + reader.setProblems)
  }
}
