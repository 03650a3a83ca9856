/// A long stream of bytes that a seed determines, made and digested eight bytes at a time.
///
/// Word *k* is splitmix64 of the seed and *k*: a lost, repeated or swapped piece changes the digest.
struct PseudoRandomStream {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// Fills the buffer; its size is a multiple of eight, except at the end of the stream.
  mutating func fill(_ buffer: inout [UInt8]) {
    // Every store lies within the buffer: the last word is cut to what is left.
    unsafe buffer.withUnsafeMutableBytes { bytes in
      for offset in stride(from: 0, to: bytes.count, by: 8) {
        unsafe withUnsafeBytes(of: next().littleEndian) { word in
          unsafe bytes[offset..<min(offset + 8, bytes.count)].copyBytes(from: word.prefix(bytes.count - offset))
        }
      }
    }
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// A 64-bit digest of bytes that come in pieces of any size. It finds accidents, not attackers.
struct StreamDigest {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  private var pending: UInt64 = 0
  private var pendingBytes = 0
  private(set) var count: UInt64 = 0

  mutating func add(_ piece: ArraySlice<UInt8>) {
    count += UInt64(piece.count)
    // Loads are guarded by the loop's bounds, and unaligned on purpose.
    unsafe piece.withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        if pendingBytes == 0 && offset + 8 <= bytes.count {
          unsafe mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
          offset += 8
        } else {
          unsafe pending |= UInt64(bytes[offset]) << UInt64(8 * pendingBytes)
          pendingBytes += 1
          offset += 1
          if pendingBytes == 8 { flush() }
        }
      }
    }
  }

  /// The digest of everything added, its length included.
  func value() -> UInt64 {
    var last = self
    if pendingBytes > 0 { last.flush() }
    last.mix(count)
    return last.hash
  }

  private mutating func flush() {
    mix(pending)
    pending = 0
    pendingBytes = 0
  }

  private mutating func mix(_ word: UInt64) {
    hash = (hash ^ word) &* 0x0000_0100_0000_01b3
    hash ^= hash >> 29
  }
}
