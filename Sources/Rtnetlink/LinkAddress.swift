/// The six bytes of an Ethernet address, in the order they go over the wire.
public struct LinkAddress: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let bytes: [UInt8]

  public static let zero = LinkAddress(number: 0)
  public static let broadcast = LinkAddress(number: 0xffff_ffff_ffff)

  /// Nil unless there are six bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    self.bytes = Array(bytes)
  }

  /// The low 48 bits of a number: 0x0200_0000_0001 is 02:00:00:00:00:01.
  public init(number: UInt64) {
    bytes = (0..<6).map { UInt8(truncatingIfNeeded: number >> UInt64(40 - 8 * $0)) }
  }

  /// Nil unless the text is six hexadecimal numbers with colons between.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    self.init(bytes: parts.compactMap { $0.count <= 2 ? UInt8($0, radix: 16) : nil })
    guard parts.count == 6 else { return nil }
  }

  /// For addresses written in source; a wrong one stops the program.
  public init(stringLiteral text: String) {
    guard let address = LinkAddress(text) else { fatalError("\(text) is not an Ethernet address") }
    self = address
  }

  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
