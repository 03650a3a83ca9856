import GROLite
import PacketHeaders
import XSKEngine

/// Room for one super-frame that is complete: readers of a capture, unlike a TAP device, want a whole checksum.
struct SuperFrame {
  private var bytes: [UInt8]
  private var count = 0

  init() {
    // Headers are in the 65,535 bytes but for the link's.
    bytes = [UInt8](repeating: 0, count: 65_535 + PacketSummary.maximumMergeableHeader)
  }

  /// Gathers an aggregate.
  ///
  /// - Precondition: its form is `.linear`.
  mutating func gather(_ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst) {
    count = Self.gather(unit, of: gro, in: burst, to: &bytes)
  }

  private static func gather(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst, to bytes: inout [UInt8]
  ) -> Int {
    var span = bytes.mutableSpan
    // Any bit pattern is a byte.
    var target = unsafe span.mutableBytes
    let header = gro.writeSuperFrameHeader(of: unit, burst.packets, to: &target)
    var end = Int(header.headerLength)
    gro.forEachPayload(of: unit) { index, offset, length in
      copy(burst.bytes(index).extracting(offset..<offset + length), to: &target, at: end)
      end += length
    }
    // The checksum's place holds the pseudo-header's sum: summing over it completes it.
    let start = Int(header.checksumStart)
    let sum = InternetChecksum.sum(target.bytes.extracting(start..<end))
    let checksum =
      header.gsoType == VirtioNetHeader.gsoUDP ? InternetChecksum.finishUDP(sum) : InternetChecksum.finish(sum)
    target.storeBytes(of: checksum, toByteOffset: start + Int(header.checksumOffset), as: UInt16.self)
    return end
  }

  /// What was gathered last.
  var frame: RawSpan {
    @_lifetime(borrow self)
    get {
      // Bytes have no padding.
      unsafe bytes.span.bytes.extracting(first: count)
    }
  }

  private static func copy(_ source: RawSpan, to target: inout MutableRawSpan, at offset: Int) {
    precondition(offset + source.byteCount <= target.byteCount)
    unsafe target.withUnsafeMutableBytes { target in
      let place = unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...])
      // Safe: the range was just checked.
      unsafe source.withUnsafeBytes { unsafe place.copyMemory(from: $0) }
    }
  }
}
