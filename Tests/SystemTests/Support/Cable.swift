import XSKEngine
import XSKLab

/// Two namespaces and a silent cable between them: no addresses, so nothing is on it that the test did not send.
struct Cable {
  let left: NetworkNamespace
  let right: NetworkNamespace
  let pair: VethPair

  init(mtu: UInt32 = 1500, queues: UInt32 = 1) throws {
    left = try NetworkNamespace("left")
    right = try NetworkNamespace("right")
    pair = try VethPair(
      VethEnd("l0", in: left, rxQueues: queues, txQueues: queues),
      VethEnd("r0", in: right, rxQueues: queues, txQueues: queues), mtu: mtu)
  }
}

/// Frames that a test can tell apart wherever they arrive: each 4-byte word of the payload is the packet's number and the
/// word's place.
enum NumberedFrame {
  static let headerBytes = 14
  /// IEEE 802 "local experimental": no stack answers it.
  static let etherType: [UInt8] = [0x88, 0xb5]

  static func make(_ number: Int, size: Int = 64) -> [UInt8] {
    var frame: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] + etherType
    frame.reserveCapacity(size + 4)
    var place: UInt16 = 0
    while frame.count < size {
      let (number, word) = (UInt16(truncatingIfNeeded: number), place)
      frame += [UInt8(number >> 8), UInt8(number & 255), UInt8(word >> 8), UInt8(word & 255)]
      place &+= 1
    }
    return Array(frame.prefix(size))
  }

  static func series(_ count: Int, size: Int = 64) -> [[UInt8]] { (0..<count).map { make($0, size: size) } }
}
