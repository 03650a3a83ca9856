import Testing

@testable import XSKLab

@Suite("A pseudo-random stream")
struct PseudoRandomStreamTests {
  private static let bytes: [UInt8] = {
    var stream = PseudoRandomStream(seed: 7)
    return stream.next(1000) + stream.next(13)
  }()

  private func digest(_ pieces: [ArraySlice<UInt8>]) -> UInt64 {
    var digest = StreamDigest()
    for piece in pieces { digest.add(piece) }
    return digest.value()
  }

  @Test("is the same for the same seed, in whatever pieces it is made")
  func repeats() {
    var stream = PseudoRandomStream(seed: 7), other = PseudoRandomStream(seed: 8)
    #expect(stream.next(1013) == Self.bytes)
    #expect(other.next(1013) != Self.bytes)
  }

  @Test("has one digest, in whatever pieces it arrives", arguments: [1, 3, 7, 8, 9, 16, 500, 2000])
  func pieces(size: Int) {
    let starts = stride(from: 0, to: Self.bytes.count, by: size)
    let pieces = starts.map { Self.bytes[$0..<min($0 + size, Self.bytes.count)] }
    #expect(digest(pieces) == digest([Self.bytes[...]]))
  }

  @Test("has another digest when a byte is changed, lost, swapped or added")
  func damage() {
    let whole = digest([Self.bytes[...]])
    for position in [0, 7, 8, 999, 1007, 1012] {
      var changed = Self.bytes
      changed[position] ^= 1
      #expect(digest([changed[...]]) != whole)
      #expect(digest([Self.bytes[..<position], Self.bytes[(position + 1)...]]) != whole)
    }
    #expect(digest([Self.bytes[8..<16], Self.bytes[..<8], Self.bytes[16...]]) != whole)
    #expect(digest([Self.bytes[...], [0]]) != whole)
    #expect(digest([[]]) != digest([[0]]))
  }
}
