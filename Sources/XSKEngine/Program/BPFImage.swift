/// The object file of an XDP program, compiled by the build from `bpf/NAME.bpf.c` and carried in the binary.
///
/// Each target that embeds programs gets them as constants of its own, `BPFImage.NAME`.
package struct BPFImage: Sendable {
  /// The name of its source file, without `.bpf.c`.
  package let name: String
  let hexadecimal: StaticString

  package init(name: String, hexadecimal: StaticString) {
    self.name = name
    self.hexadecimal = hexadecimal
  }

  /// The ELF object file.
  package var bytes: [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(hexadecimal.utf8CodeUnitCount / 2)
    var high: UInt8?
    for digit in hexadecimal.description.utf8 {
      let value = digit < UInt8(ascii: "a") ? digit &- UInt8(ascii: "0") : digit &- UInt8(ascii: "a") &+ 10
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }
}
