/// What an engine has to say to its operator: the newest lines. A link that flaps for a year says more than anybody keeps.
struct MessageLog: Sendable {
  /// Lines that are kept.
  static let capacity = 256

  private var newest: [String] = []
  /// Lines that there ever were.
  private(set) var count = 0

  mutating func append(_ line: String) {
    count += 1
    if newest.count == Self.capacity { newest.removeFirst() }
    newest.append(line)
  }

  /// Those of the lines from number `first` (counted from 0) on that are still kept.
  func lines(from first: Int = 0) -> [String] {
    let missing = count - newest.count
    return Array(newest.dropFirst(max(0, first - missing)))
  }
}
