public import XSKEngine

/// What a tenant may have of the node's memory and sockets.
public struct TenantQuota: Codable, Hashable, Sendable {
  /// Bytes of its UMEM at most.
  public var umemBytes: Int
  /// Frames of its UMEM at most.
  public var frames: Int
  /// AF_XDP sockets at most: queues of its interface.
  public var sockets: Int

  public init(umemBytes: Int = 16 << 20, frames: Int = 8192, sockets: Int = 1) {
    (self.umemBytes, self.frames, self.sockets) = (umemBytes, frames, sockets)
  }

  /// Bytes that a UMEM may have: 64 KiB, or nothing would go through it, to 4 GiB.
  public static var umemBytesRange: ClosedRange<Int> { 64 << 10...4 << 30 }
  /// Frames that a UMEM may have.
  public static var framesRange: ClosedRange<Int> { 16...1 << 20 }
  /// Sockets that a tenant may have.
  public static var socketsRange: ClosedRange<Int> { 1...64 }

  /// Everything that is wrong with it.
  ///
  /// - Parameter subject: whose quota it is, as the errors name it.
  public func problems(of subject: String) -> [XSKError] {
    [
      ("umemBytes", umemBytes, Self.umemBytesRange), ("frames", frames, Self.framesRange),
      ("sockets", sockets, Self.socketsRange),
    ].compactMap { name, value, range in
      range.contains(value)
        ? nil
        : XSKError(
          "\(subject): quota.\(name) \(value)", "out of range",
          remedy: "use \(range.lowerBound) to \(range.upperBound)")
    }
  }
}
