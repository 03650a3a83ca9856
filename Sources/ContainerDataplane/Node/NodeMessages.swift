import FoundationEssentials
import Synchronization

/// The newest lines that a node had to say, each behind its time (UTC), for whoever asks later.
public final class NodeMessages: Sendable {
  private let lines = Mutex<[String]>([])
  private let echo: @Sendable (String) -> Void
  static let limit = 256

  /// - Parameter echo: where each line goes besides, without its time: logs have their own.
  public init(echo: @escaping @Sendable (String) -> Void) { self.echo = echo }

  public func add(_ line: String) {
    let stamped = "\(Date.now.formatted(.iso8601)) \(line)"
    lines.withLock { lines in
      if lines.count >= Self.limit { lines.removeFirst(lines.count - Self.limit + 1) }
      lines.append(stamped)
    }
    echo(line)
  }

  var newest: [String] { lines.withLock { $0 } }
}
