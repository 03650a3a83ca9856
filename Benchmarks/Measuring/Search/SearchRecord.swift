import Foundation
import XSKEngine

/// Every trial of a search, in a file, so that the search can go on where it was left.
public final class SearchRecord {
  struct Entry: Codable, Hashable {
    var size: String
    var test: String
    /// The maximum load, where that was measured.
    var rate: Double?
    var trial: TrialOutcome?
    var latency: LatencyOutcome?
    var recovery: RecoveryOutcome?
  }

  private struct File: Codable {
    var format = "xskbench-search"
    var version = Self.current

    static let current = 2
    var settings: SearchSettings
    var entries: [Entry]
  }

  private let path: String?
  private var file: File
  private var place = 0

  /// - Parameter path: nil: nothing is kept.
  /// - Throws: if the file is of another search, or can't be written.
  public init(_ settings: SearchSettings, path: String?) throws(XSKError) {
    self.path = path
    file = File(settings: settings, entries: [])
    guard let path else { return }
    guard FileManager.default.fileExists(atPath: path) else {
      try write()
      return
    }
    struct Envelope: Decodable {
      var format: String
      var version: Int
    }
    guard let data = FileManager.default.contents(atPath: path),
      let envelope = try? JSONDecoder().decode(Envelope.self, from: data), envelope.format == file.format
    else { throw XSKError(path, "is not a search's file", remedy: "remove it, or name another") }
    guard envelope.version == File.current else {
      throw XSKError(
        path, "is a search's file of version \(envelope.version), this xskbench knows \(File.current)",
        remedy: "remove it, or name another")
    }
    guard let found = try? JSONDecoder().decode(File.self, from: data) else {
      throw XSKError(path, "is a search's file that is damaged", remedy: "remove it, or name another")
    }
    guard found.settings == settings else {
      throw XSKError(
        path, "is of a search with other \(settings.differences(from: found.settings).joined(separator: ", "))",
        remedy: "give the same options, or name another file")
    }
    file = found
  }

  /// Trials that were known when it was opened and are yet to be gone through.
  public var known: Int { file.entries.count - place }

  /// The next entry, if it is known, or what `make` makes, which is then kept.
  func entry(_ size: String, _ test: String, _ make: () throws -> Entry) throws -> Entry {
    if place < file.entries.count {
      let entry = file.entries[place]
      guard entry.size == size, entry.test == test else {
        throw XSKError(
          path ?? "", "has other trials than this search makes", remedy: "remove it: it is of another version")
      }
      place += 1
      return entry
    }
    let made = try make()
    file.entries.append(made)
    place += 1
    try write()
    return made
  }

  private func write() throws(XSKError) {
    guard let path else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(file).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw XSKError(path, "can't be written", remedy: "name a file in a folder that exists and is yours to write")
    }
  }
}
