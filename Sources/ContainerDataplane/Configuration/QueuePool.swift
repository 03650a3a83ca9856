/// A physical device whose queues tenants may have.
public struct QueuePool: Hashable, Sendable {
  public var name: String
  public var device: String
  /// Numbers of queues; nil: all that the device has.
  public var queues: [Int]?

  public init(_ name: String, device: String, queues: [Int]? = nil) {
    (self.name, self.device, self.queues) = (name, device, queues)
  }

  /// The queues' numbers, in order.
  ///
  /// - Parameter count: how many the device has.
  func numbers(of count: Int) -> [Int] { queues?.sorted() ?? Array(0..<count) }

  /// Whether a queue is one of them, as far as the configuration says.
  func has(_ queue: Int) -> Bool { queues?.contains(queue) ?? true }
}
