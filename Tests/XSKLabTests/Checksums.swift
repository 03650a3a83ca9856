/// Checks the IPv4 header's checksum and that of UDP or TCP, by the sum that must come out as all ones (RFC 1071).
enum Checksums {
  static func areRight(_ frame: [UInt8]) -> Bool {
    let isIPv6 = frame[12] == 0x86
    let header = 14..<(isIPv6 ? 54 : 14 + Int(frame[14] & 15) * 4)
    let length = isIPv6 ? word(frame, 18) : word(frame, 16) - header.count
    let segment = Array(frame[header.upperBound..<header.upperBound + length])
    let addresses = Array(isIPv6 ? frame[22..<54] : frame[26..<34])
    let number = isIPv6 ? frame[20] : frame[23]
    let pseudo = addresses + [0, number, UInt8(length >> 8), UInt8(length & 0xff)]
    return (isIPv6 || sum(Array(frame[header])) == 0xffff) && sum(pseudo + segment) == 0xffff
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

  private static func sum(_ bytes: [UInt8]) -> Int {
    var total = 0
    for (index, byte) in bytes.enumerated() { total += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while total > 0xffff { total = (total & 0xffff) + (total >> 16) }
    return total
  }
}
