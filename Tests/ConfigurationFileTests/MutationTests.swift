import ConfigurationFile
import PacketSamples
import Testing

@Suite struct MutationTests {
  /// Pieces that mean something to YAML, or to the parser's values.
  private static let pieces = [
    "\"\\uD800\"", "\\x", "*", "&a", "? ", ": ", "- ", "\n", "\t", "  ", "[", "]", "{", "}", ",", "#", "'", "\"", "|",
    ">", "!", "%", "@",
    "`", "---\n",
    "...", "0", "-1", "/", "65536", "99999999999999999999", "0x", "1.5", "::", "\u{E9}", "\u{2028}", "\0", "<<", "~",
    "null",
  ]

  @Test(arguments: 0..<20) func `no change of a good file makes the parser crash`(seed: Int) throws {
    var random = SeededGenerator(UInt64(seed))
    let texts = [
      RouteFileTests.text, try Example.text("scrubber"), try Example.text("router"), try Example.text("bump"),
    ]
    for _ in 0..<60 {
      var text = Array(texts.randomElement(using: &random)!.unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...text.count, using: &random)
        let end = min(text.count, place + Int.random(in: 0...12, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text.removeSubrange(place..<end)
        case 1: text.insert(contentsOf: Self.pieces.randomElement(using: &random)!.unicodeScalars, at: place)
        case 2: text.insert(contentsOf: text[place..<end], at: Int.random(in: 0...text.count, using: &random))
        default: text.replaceSubrange(place..<end, with: Self.pieces.randomElement(using: &random)!.unicodeScalars)
        }
      }
      let report = ConfigurationFile.parse(String(String.UnicodeScalarView(text)), file: "f")
      // Either there is a configuration, and its rules compile; or it is said why not.
      #expect((report.configuration == nil) == !report.errors.isEmpty)
      if let configuration = report.configuration {
        #expect(configuration.rules.problems(in: configuration.ruleEnvironment) == [])
      }
      for problem in report.problems {
        #expect(!problem.description.contains("\n") && !problem.problem.isEmpty && !problem.remedy.isEmpty)
      }
    }
  }
}
