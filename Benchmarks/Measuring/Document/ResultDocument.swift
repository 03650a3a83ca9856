import FoundationEssentials
import XSKEngine

/// What every xskbench command leaves behind: what was run, where, when, every trial, and what was wrong meanwhile.
///
/// As JSON it follows packaging/xskbench-result.schema.json, which docs/results-format.md explains. Fields are added without
/// a new version; a version changes when a field changes its meaning or goes.
public struct ResultDocument: Codable, Hashable, Sendable {
  public static let formatName = "xskbench-result"
  public static let currentVersion = 1

  /// Always `xskbench-result`.
  public var format = Self.formatName
  public var formatVersion = Self.currentVersion
  public var tool = Tool()
  /// The command's name: `engine`, `wire`, …
  public var benchmark: String
  /// The command with its arguments, as it can be typed again behind `xskbench`.
  public var command: String
  /// When it began, UTC, to the second: `2026-11-21T17:30:00Z`.
  public var started: String
  /// From beginning to end, set-up included.
  public var durationSeconds = 0.0
  public var machine = Machine.current
  /// Versions of what else took part, by name: `dpdk-testpmd`, `iperf3`.
  public var versions: [String: String] = [:]
  /// What was looked at during the run, broken or not.
  public var checks: [SelfCheck] = []
  /// Why these figures should not be quoted; empty if nothing speaks against it.
  public var irregular: [String] = []
  public var results: [Result] = []
  public var ratios: [Ratio] = []
  /// Exact commands of the peers that were run.
  public var peers: [String] = []
  /// `xskbench search` with all of its numbers; absent in others' documents.
  public var search: SearchReport?

  enum CodingKeys: String, CodingKey {
    case format, tool, benchmark, command, started, machine, versions, checks, irregular, results, ratios, peers, search
    case formatVersion = "format_version"
    case durationSeconds = "duration_seconds"
  }

  /// - Parameter command: the command's name and its arguments.
  public init(command: String) {
    self.command = command
    benchmark = String(command.prefix { $0 != " " })
    started = Date.now.formatted(.iso8601)
  }

  /// The program that measured.
  public struct Tool: Codable, Hashable, Sendable {
    public var name = "xskbench"
    public var version = "0.1.0"
    /// The compiler it was built with, as far as a program can know.
    public var swift: String
    /// `release` or `debug`.
    public var build: String

    public init() {
      #if compiler(>=6.4)
        swift = ">= 6.4"
      #elseif compiler(>=6.3)
        swift = "6.3"
      #else
        swift = "6.2"
      #endif
      #if DEBUG
        build = "debug"
      #else
        build = "release"
      #endif
    }
  }

  /// Two things measured in turn in the same run, one divided by the other.
  public struct Ratio: Codable, Hashable, Sendable {
    public var name: String
    public var median: Double
    public var min: Double
    public var max: Double
    public var pairs: Int
    /// What was divided: `rates`, of which more is better, or `cycles`, of which less is. Absent: rates.
    public var metric: String?
    /// Each pair's, in the order of measuring.
    public var values: [Double]?

    public init(name: String, median: Double, min: Double, max: Double, pairs: Int) {
      (self.name, self.median, self.min, self.max, self.pairs) = (name, median, min, max, pairs)
    }

    /// The ratio of pairs in the order that they were measured in. A pair of which one side measured nothing has none.
    public init(name: String, of pairs: [Double], metric: String? = nil) {
      let pairs = pairs.filter { $0.isFinite && $0 > 0 }
      self.init(
        name: name, median: pairs.isEmpty ? 0 : pairs.median.short, min: (pairs.min() ?? 0).short,
        max: (pairs.max() ?? 0).short,
        pairs: pairs.count)
      values = pairs.map(\.short)
      self.metric = metric
    }
  }
}

// MARK: JSON

extension ResultDocument {
  /// The document as JSON: keys sorted, so that two files can be compared line by line.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Reads a document.
  ///
  /// - Throws: `XSKError` if it isn't one, or is of a version that this program does not know.
  public init(json: Data, name: String) throws(XSKError) {
    struct Envelope: Decodable {
      var format: String?
      var formatVersion: Int?

      enum CodingKeys: String, CodingKey {
        case format
        case formatVersion = "format_version"
      }
    }
    let decoder = JSONDecoder()
    do {
      let envelope = try decoder.decode(Envelope.self, from: json)
      guard envelope.format == Self.formatName else {
        throw XSKError(name, "not a result of xskbench", remedy: "give a file that xskbench wrote with --output")
      }
      guard envelope.formatVersion == Self.currentVersion else {
        throw XSKError(
          name, "format_version \(envelope.formatVersion ?? 0) is not known, only \(Self.currentVersion)",
          remedy: "use the xskbench that wrote it")
      }
      self = try decoder.decode(Self.self, from: json)
    } catch let error as XSKError {
      throw error
    } catch let error as DecodingError {
      throw XSKError(
        name, "not a result of xskbench: \(Self.place(of: error))",
        remedy: "give a file that xskbench wrote with --output; see docs/results-format.md")
    } catch {
      throw XSKError(name, "not readable as JSON", remedy: "give a file that xskbench wrote with --output")
    }
  }

  public init(file: String) throws(XSKError) {
    guard let data = try? Data(contentsOf: URL(filePath: file)) else {
      throw XSKError(file, "can't be read", remedy: "give a file that xskbench wrote with --output")
    }
    try self.init(json: data, name: file)
  }

  /// Writes the document, as a whole or not at all.
  public func write(to file: String) throws(XSKError) {
    guard let text = try? json() else {
      throw XSKError(file, "not written: a figure is no number", remedy: "please report this as a bug")
    }
    do {
      try Data((text + "\n").utf8).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw XSKError(file, "can't be written", remedy: "name a file in a folder that exists and is yours to write")
    }
  }

  /// Where in the document an error is, and what it is.
  private static func place(of error: DecodingError) -> String {
    func path(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return keys.isEmpty ? "the document" : keys.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context)) has no \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\(path(context)) has the wrong type"
    case .dataCorrupted(let context): return "\(path(context)) is no valid JSON"
    @unknown default: return "\(error)"
    }
  }
}
