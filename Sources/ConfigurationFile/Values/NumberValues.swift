/// Texts that are numbers. Each function takes a value as it stands in the file, and throws what is wrong with it.
package enum NumberValue {
  /// Decimal, or hexadecimal behind `0x`; nil: neither, or more than 64 bits.
  package static func unsigned(_ text: some StringProtocol) -> UInt64? {
    let isHex = text.hasPrefix("0x") || text.hasPrefix("0X")
    let digits = isHex ? text.dropFirst(2) : text[...]
    // Swift's own parser would take a sign.
    guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
    return UInt64(digits, radix: isHex ? 16 : 10)
  }

  package static func integer(_ text: String, _ range: ClosedRange<Int>) throws(ValueFault) -> Int {
    let remedy = "use \(range.lowerBound) to \(range.upperBound)"
    let isNumber = !text.isEmpty && text.utf8.drop { $0 == UInt8(ascii: "-") }.allSatisfy { (48...57).contains($0) }
    guard unsigned(text) != nil || isNumber else { throw ValueFault("not a whole number", remedy) }
    guard let number = unsigned(text), let value = Int(exactly: number), range.contains(value) else {
      throw ValueFault("out of range", remedy)
    }
    return value
  }

  /// `80`, `1024-65535`.
  static func range(_ text: String, _ bounds: ClosedRange<UInt16>) throws(ValueFault) -> ClosedRange<UInt16> {
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map {
      unsigned(trim($0))
    }
    guard let first = ends[0], let last = ends[ends.count - 1] else {
      throw ValueFault("neither a number nor a range", "write it like 80 or 100-199")
    }
    guard first <= bounds.upperBound, last <= bounds.upperBound, first >= bounds.lowerBound else {
      throw ValueFault("out of range", "use \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    guard first <= last else { throw ValueFault("a range that ends before it begins", "write \(last)-\(first)") }
    return UInt16(first)...UInt16(last)
  }

  /// `0,2-3`, in the order given.
  static func list(_ text: String, below limit: Int) throws(ValueFault) -> [Int] {
    var numbers: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { unsigned(trim($0)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
        throw ValueFault("not a list of numbers", "write it like 0,2-3")
      }
      guard first <= last, last < UInt64(limit) else {
        throw ValueFault("out of range", "use 0 to \(limit - 1), the smaller number first")
      }
      numbers += Int(first)...Int(last)
    }
    return numbers
  }

  /// `5`, `0x1/0xff`: a value, and a mask that covers it.
  static func masked(_ text: String, bits: Int) throws(ValueFault) -> (value: UInt64, mask: UInt64) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { unsigned(trim($0)) }
    guard let value = parts[0], let mask = parts.count == 1 ? UInt64.max >> (64 - UInt64(bits)) : parts[1] else {
      throw ValueFault("neither a number nor a number with a mask", "write it like 5 or 0x1/0xff")
    }
    guard bits == 64 || value >> UInt64(bits) == 0 && mask >> UInt64(bits) == 0 else {
      throw ValueFault("more than \(bits) bits", "use smaller numbers")
    }
    guard value & ~mask == 0 else {
      throw ValueFault("the mask doesn't cover the value", "set the value's bits in the mask")
    }
    return (value, mask)
  }

  /// `1/100`: one in a hundred.
  static func oneIn(_ text: String) throws(ValueFault) -> Int {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { unsigned(trim($0)) }
    guard parts.count == 2, parts[0] == 1, let number = parts[1], (1...UInt64(UInt32.max)).contains(number) else {
      throw ValueFault("no such share", "write 1/N, N from 1 to \(UInt32.max)")
    }
    return Int(number)
  }

  package static func trim(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return text
  }
}
