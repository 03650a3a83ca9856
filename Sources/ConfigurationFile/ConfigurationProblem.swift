/// Something that is wrong with a configuration file, and where.
///
/// Its description is one line: `FILE:LINE:COLUMN: KEY: value "X": PROBLEM; REMEDY`.
public struct ConfigurationProblem: Error, Hashable, Sendable, Codable {
  public enum Severity: String, Hashable, Sendable, Codable {
    /// The file can't be used.
    case error
    /// It can, but does probably not what its author means.
    case warning
  }

  public var severity: Severity
  public var file: String
  /// From 1; nil: the file as a whole.
  public var line: Int?
  /// In characters, from 1.
  public var column: Int?
  /// The path of keys, as in `ports.lan.device`; empty: the file as a whole.
  public var key: String
  /// As it stands in the file, shortened.
  public var value: String?
  public var problem: String
  public var remedy: String

  package init(
    severity: Severity = .error, file: String, line: Int? = nil, column: Int? = nil, key: String = "",
    value: String? = nil, _ problem: String, remedy: String
  ) {
    (self.severity, self.file, self.line, self.column) = (severity, file, line, column)
    (self.key, self.value, self.problem, self.remedy) = (key, value.map(Self.shorten), problem, remedy)
  }

  /// One line, and no control characters: it goes to terminals and logs.
  private static func shorten(_ value: String) -> String {
    let clean = value.unicodeScalars.lazy.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "�" : $0 }
    let text = String(String.UnicodeScalarView(clean.prefix(81)))
    return text.unicodeScalars.count > 80 ? String(text.unicodeScalars.prefix(79)) + "…" : text
  }
}

extension ConfigurationProblem: CustomStringConvertible {
  public var description: String {
    var text = [file, line.map { ":\($0)" }, column.map { ":\($0)" }].compactMap { $0 }.joined()
    if severity == .warning { text += ": warning" }
    if !key.isEmpty { text += ": \(key)" }
    if let value { text += ": value \"\(value)\"" }
    return "\(text): \(problem); \(remedy)"
  }
}
