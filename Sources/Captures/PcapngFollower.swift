public import XSKEngine

/// Follows a capture in pcapng as it arrives, piece by piece: which of it is whole blocks, and what they count.
///
/// For what `PcapngEncoder` composes. The bytes are untrusted: a block that can't be is an error.
public struct PcapngFollower: Sendable {
  /// Packets in the blocks so far.
  public private(set) var packets: UInt64 = 0
  /// Packets that the capture's end says were lost; nil: it has not said anything.
  public private(set) var lost: UInt64?
  private var rest: [UInt8] = []
  private var hasBegun = false

  /// Bytes of a block at most: a packet, and room for its options.
  static let longestBlock = 1 << 20

  public init() {}

  /// Takes more of the capture.
  ///
  /// - Returns: the blocks that are whole now.
  /// - Throws: what is no capture.
  public mutating func add(_ bytes: [UInt8]) throws(XSKError) -> [UInt8] {
    rest += bytes
    var end = 0
    while let type = word(end), let length = word(end + 4) {
      guard length >= 12, length % 4 == 0, Int(length) <= Self.longestBlock,
        hasBegun || type == PcapngBlock.sectionHeader
      else { throw XSKError("capture", "what arrives is none", remedy: "use the xskfwd that is running") }
      guard rest.count - end >= Int(length) else { break }
      hasBegun = true
      count(type, end..<end + Int(length))
      end += Int(length)
    }
    defer { rest.removeFirst(end) }
    return Array(rest[..<end])
  }

  private mutating func count(_ type: UInt32, _ block: Range<Int>) {
    if type == PcapngBlock.enhancedPacket { packets += 1 }
    guard type == PcapngBlock.statistics else { return }
    lost = lost ?? 0
    var place = block.lowerBound + 20
    while place + 4 <= block.upperBound - 4, let option = word(place), option != 0 {
      let length = Int(option >> 16)
      guard place + 4 + length <= block.upperBound - 4 else { return }
      if UInt16(truncatingIfNeeded: option) == PcapngBlock.lostOption, length == 8, let low = word(place + 4),
        let high = word(place + 8)
      {
        lost = (lost ?? 0) &+ (UInt64(high) << 32 | UInt64(low))
      }
      place += 4 + (length + 3) & ~3
    }
  }

  /// Four bytes as a little-endian number, if they are there.
  private func word(_ place: Int) -> UInt32? {
    guard place + 4 <= rest.count else { return nil }
    return (0..<4).reduce(0) { $0 | UInt32(rest[place + $1]) << (8 * UInt32($1)) }
  }
}
