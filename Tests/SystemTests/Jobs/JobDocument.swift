import Foundation
import Testing

/// What the documentation has somebody copy and paste: commands, and what these are said to print.
struct JobDocument {
  /// Commands to copy and paste at once.
  struct Step {
    var commands: String
    /// Lines that are among the output, in any order; `…` stands for anything.
    var prints: [String] = []
  }

  let name: String
  let steps: [Step]

  /// - Parameters:
  ///   - name: behind `<!-- job:` in the document, up to the next such mark. Commands of blocks marked `sh` are left out.
  ///   - document: its path in the package.
  init(_ name: String, of document: String = "docs/jobs.md") throws {
    let path = BuiltPrograms.package.appendingPathComponent(document)
    let text = try String(contentsOf: path, encoding: .utf8)
    let parts = text.components(separatedBy: "<!-- job: ")
    let part = try #require(parts.first { $0.hasPrefix("\(name) -->") })
    var steps: [Step] = []
    for block in part.components(separatedBy: "\n```").dropFirst() {
      let lines = block.split(separator: "\n").map { String($0) }
      switch lines.first {
      case "bash": steps.append(Step(commands: lines.dropFirst().joined(separator: "\n")))
      case "text": steps[steps.count - 1].prints = Array(lines.dropFirst())
      default: break
      }
    }
    self.name = name
    self.steps = steps
  }

  /// A script that carries out all steps, with a line ahead of each one's output.
  ///
  /// Names of namespaces and control sockets are files below /run: the script has directories of its own there, and in /tmp.
  ///
  /// - Parameters:
  ///   - programs: the folder of the program, and
  ///   - package: the working folder; either may lie in /tmp, so both are also where they can't be hidden.
  func script(programs: String, package: String) -> String {
    let prelude = """
      mkdir -p /run/netns /run/xskfwd
      mount -t tmpfs none /mnt && mkdir /mnt/programs /mnt/package || exit 99
      mount --bind '\(programs)' /mnt/programs && mount --bind '\(package)' /mnt/package || exit 99
      export PATH=/mnt/programs:$PATH
      cd /mnt/package || exit 99
      mount -t tmpfs none /run/netns && mount -t tmpfs -o mode=700 none /run/xskfwd && mount -t tmpfs none /tmp || exit 99
      exec 2>&1
      set -e
      """
    return script(after: prelude, before: "ls /run/netns /run/xskfwd /tmp")
  }

  /// The steps between commands of a test's own.
  func script(after prelude: String, before end: String) -> String {
    let blocks = steps.enumerated().map { "echo '=== step \($0)'\n\($1.commands)" }
    return ([prelude] + blocks + [end, "echo '=== end'"]).joined(separator: "\n")
  }

  /// Whether each step has printed its lines.
  func check(_ output: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let outputs = Self.split(output)
    #expect(outputs.count == steps.count, sourceLocation: sourceLocation)
    for (step, output) in zip(steps, outputs) {
      var lines = output.components(separatedBy: "\n")
      for expected in step.prints {
        let place = lines.firstIndex { Self.matches($0, expected) }
        // Each line stands for one of the output.
        if let place { lines.remove(at: place) }
        #expect(
          place != nil, "\"\(expected)\" is not in what this printed:\n\(step.commands)\n\(output)",
          sourceLocation: sourceLocation)
      }
    }
  }

  /// What each step printed.
  private static func split(_ output: String) -> [String] {
    output.components(separatedBy: "=== step ").dropFirst().map {
      $0.components(separatedBy: "=== end")[0]
    }
  }

  /// Whether a line is as it was said to be, or contains it. White space counts once.
  private static func matches(_ line: String, _ expected: String) -> Bool {
    func plain(_ text: String) -> String { text.split { $0 == " " || $0 == "\t" }.joined(separator: " ") }
    var rest = " \(plain(line)) "[...]
    for part in plain(expected).components(separatedBy: "…").map({ $0.trimmingCharacters(in: .whitespaces) })
    where !part.isEmpty {
      guard let found = rest.range(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
