/// A metadata block made a bit and a byte at a time, by code that shares nothing with the code under test.
struct MetadataBlock {
  /// Number, bytes (2, 4 or 8), value; in any order.
  var entries: [(number: Int, bytes: Int, value: UInt64)]

  var bytes: [UInt8] {
    var header = [UInt8](repeating: 0, count: 16)
    var values: [UInt8] = []
    for entry in entries.sorted(by: { $0.number < $1.number }) {
      let code: UInt8 = entry.bytes == 2 ? 1 : entry.bytes == 4 ? 2 : 3
      header[entry.number / 4] |= code << UInt8(entry.number % 4 * 2)
      for byte in 0..<entry.bytes { values.append(UInt8(truncatingIfNeeded: entry.value >> UInt64(8 * byte))) }
    }
    return header + values
  }

  /// What a reader sees of a value of so many bytes.
  static func widened(_ value: UInt64, _ bytes: Int) -> UInt64 {
    bytes == 8 ? value : value & (1 << UInt64(8 * bytes) - 1)
  }

  /// Bytes of values that a header's codes stand for, counted one by one.
  static func valueBytes(_ header: ArraySlice<UInt8>) -> Int {
    header.reduce(0) { sum, byte in
      (0..<4).reduce(sum) { $0 + [0, 2, 4, 8][Int(byte >> UInt8(2 * $1) & 3)] }
    }
  }
}
