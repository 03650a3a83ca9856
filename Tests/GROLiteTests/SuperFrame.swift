import GROLite
import PacketSamples

/// A super-frame as a TAP device would be given it.
struct SuperFrame {
  var virtio: VirtioNetHeader
  var bytes: [UInt8]

  init(_ gro: borrowing GROLite, _ unit: GROUnit, _ burst: Burst) {
    var header = [UInt8](repeating: 0xAA, count: 256)
    var virtio = VirtioNetHeader()
    Self.write(gro, unit, burst, to: &header, &virtio)
    bytes = Array(header[..<Int(virtio.headerLength)])
    self.virtio = virtio
    var pieces: [UInt8] = []
    gro.forEachPayload(of: unit) { index, offset, length in pieces += burst.frame(index)[offset..<offset + length] }
    bytes += pieces
  }

  static func write(
    _ gro: borrowing GROLite, _ unit: GROUnit, _ burst: Burst, to header: inout [UInt8], _ virtio: inout VirtioNetHeader
  ) {
    var span = header.mutableSpan
    // Any bit pattern is a byte.
    var bytes = unsafe span.mutableBytes
    virtio = gro.writeSuperFrameHeader(of: unit, burst, to: &bytes)
  }

  func word(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

  /// What a NIC does with it: cuts it into segments, each with its own lengths, numbers and checksums. Shares nothing with
  /// `Segmenter`, which is compared with it.
  ///
  /// - Parameters:
  ///   - network: where the IP header begins.
  ///   - step: by how much IPv4's identification grows (a NIC always takes 1).
  func segments(network: Int, step: Int) -> [[UInt8]] {
    let header = Int(virtio.headerLength)
    let payload = Array(bytes[header...])
    return stride(from: 0, to: payload.count, by: Int(virtio.gsoSize)).enumerated().map { number, start in
      let end = min(start + Int(virtio.gsoSize), payload.count)
      var frame = Array(bytes[..<header]) + payload[start..<end]
      finish(&frame, network, number: number, start: start, isLast: end == payload.count, step: step)
      return frame
    }
  }

  func finish(_ frame: inout [UInt8], _ network: Int, number: Int, start: Int, isLast: Bool, step: Int) {
    let transport = Int(virtio.checksumStart)
    let isTCP = virtio.gsoType != VirtioNetHeader.gsoUDP
    let upper = frame.count - transport
    if isTCP {
      let sequence = Self.number(frame, transport + 4, 4) &+ UInt32(start)
      Self.set(&frame, transport + 4, UInt16(sequence >> 16))
      Self.set(&frame, transport + 6, UInt16(sequence & 0xFFFF))
      if !isLast { frame[transport + 13] &= ~0x09 }
    } else {
      Self.set(&frame, transport + 4, UInt16(upper))
    }
    let isIPv4 = frame[network] >> 4 == 4
    if isIPv4 {
      Self.set(&frame, network + 2, UInt16(frame.count - network))
      Self.set(&frame, network + 4, UInt16(truncatingIfNeeded: word(network + 4) + number * step))
      Self.set(&frame, network + 10, 0)
      Self.set(&frame, network + 10, ReferenceChecksum.of(Array(frame[network..<transport])))
    } else {
      Self.set(&frame, network + 4, UInt16(frame.count - network - 40))
    }
    let addresses = isIPv4 ? Array(frame[network + 12..<network + 20]) : Array(frame[network + 8..<network + 40])
    let at = transport + Int(virtio.checksumOffset)
    Self.set(&frame, at, 0)
    let pseudo = addresses + [0, isTCP ? 6 : 17] + UInt16(upper).bigEndianBytes
    let checksum = ReferenceChecksum.of(pseudo + frame[transport...])
    Self.set(&frame, at, checksum == 0 && !isTCP ? 0xFFFF : checksum)
  }

  static func number(_ frame: [UInt8], _ offset: Int, _ count: Int) -> UInt32 {
    frame[offset..<offset + count].reduce(0) { $0 << 8 | UInt32($1) }
  }

  static func set(_ frame: inout [UInt8], _ offset: Int, _ value: UInt16) {
    frame.replaceSubrange(offset..<offset + 2, with: value.bigEndianBytes)
  }
}
