/// A body that arises while it is sent, for as long as the peer wants it. Used on the server's thread only.
public protocol HTTPStream: AnyObject, Sendable {
  /// The next of it, of about `limit` bytes at most, at once: empty if there is nothing for now; nil at its end.
  func next(upTo limit: Int) -> [UInt8]?

  /// The peer, or the program, wants it to come to its end soon: `next` answers what is still missing, then nil.
  func finish()

  /// Looked in on about once a second while the peer takes nothing: a time that is over ends it all the same.
  func look()

  /// It is not asked any more.
  func close()
}

extension HTTPStream {
  public func look() {}
}

/// A stream on its way to a peer: chunks (RFC 9112 7.1), and never more of them in memory than one.
struct HTTPStreamBody {
  let stream: any HTTPStream
  /// CLOCK_MONOTONIC seconds of the next look at it, while the peer takes what there is.
  private(set) var nextLook = 0.0

  /// Seconds between two looks at a stream that had nothing.
  static let interval = 0.01
  /// Bytes of a chunk, about.
  static let chunkBytes = 256 << 10

  init(_ stream: any HTTPStream) { self.stream = stream }

  /// The next chunk as it is sent; empty: nothing for now; nil: there is no more.
  mutating func chunk(now: Double) -> [UInt8]? {
    guard let bytes = stream.next(upTo: Self.chunkBytes) else { return nil }
    nextLook = bytes.isEmpty ? now + Self.interval : now
    guard !bytes.isEmpty else { return [] }
    return Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
  }

  static let end = Array("0\r\n\r\n".utf8)
}
