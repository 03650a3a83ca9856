import CXsk

/// A long stream of bytes that a seed determines.
///
/// Word *k* is splitmix64 of the seed and *k*: a lost, repeated or swapped piece changes the digest.
struct PseudoRandomStream {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// The next `count` bytes. All calls but the last ask for a multiple of eight.
  mutating func next(_ count: Int) -> [UInt8] {
    let words = (count + 7) / 8
    return unsafe [UInt8](unsafeUninitializedCapacity: words * 8) { bytes, initialized in
      // The array's storage is aligned to 16 bytes and has room for the words, which are all written.
      if let base = UnsafeMutableRawPointer(bytes.baseAddress) {
        unsafe cxsk_lab_stream_fill(&state, base.assumingMemoryBound(to: UInt64.self), words)
      }
      initialized = count
    }
  }
}

/// A 64-bit digest of bytes that come in pieces of any size. It finds accidents, not attackers.
struct StreamDigest {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  /// Bytes that don't fill a word yet: fewer than eight.
  private var rest: [UInt8] = []
  private(set) var count: UInt64 = 0

  mutating func add(_ piece: ArraySlice<UInt8>) {
    count += UInt64(piece.count)
    var piece = piece
    if !rest.isEmpty {
      let missing = 8 - rest.count
      rest += piece.prefix(missing)
      piece = piece.dropFirst(missing)
      guard rest.count == 8 else { return }
      mix(rest[...])
      rest.removeAll()
    }
    let whole = piece.count & ~7
    mix(piece.prefix(whole))
    rest += piece.dropFirst(whole)
  }

  /// The digest of everything added, its length included.
  func value() -> UInt64 {
    var last = self
    let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> UInt64(8 * $0)) }
    last.mix((rest + [UInt8](repeating: 0, count: 8 - rest.count) + length)[...])
    return last.hash
  }

  /// Takes in whole words.
  private mutating func mix(_ words: ArraySlice<UInt8>) {
    // Reads as many words as the slice has, at any alignment.
    unsafe words.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { unsafe hash = cxsk_lab_stream_mix(hash, base, bytes.count / 8) }
    }
  }
}
