import ArgumentParser
import XSKEngine

/// The option of commands that run inside containers, too.
struct AttachOptions: ParsableArguments {
  @Option(
    name: .customLong("attach"),
    help: ArgumentHelp(
      "A container's interface instead, by the socket that xskd made for it; takes no privileges. Repeatable.",
      valueName: "path"))
  var paths: [String] = []

  /// Interfaces, then attachments.
  ///
  /// - Parameter count: how many the command takes.
  func ports(_ interfaces: [String?], count: Int) throws -> [PortConfiguration] {
    let named = interfaces.compactMap(\.self)
    guard named.count + paths.count == count else {
      let what =
        count == 1 ? "one interface, or --attach PATH" : "\(count) interfaces, each by name or by --attach PATH"
      throw ValidationError("\(named.count + paths.count) interfaces: give \(what)")
    }
    return named.map { PortConfiguration($0) } + paths.map { PortConfiguration(attachment: $0) }
  }
}
