import Forwarder
import XSKEngine

/// A file of prefixes: one a line, of either version; empty lines, and what follows a `#`, don't count.
///
/// A line of IPv4 is read byte by byte: a million of them load in well under a second that way.
struct PrefixFile {
  let file: String
  private(set) var ipv4: [IPv4Prefix] = []
  private(set) var ipv6: [IPv6Prefix] = []
  private(set) var problems: [ConfigurationProblem] = []

  /// Faults that are told one by one.
  static var maximumProblems: Int { 100 }

  init(file: String) { self.file = file }

  mutating func read(_ bytes: [UInt8]) {
    let bytes = bytes.span
    var (start, line, faults) = (0, 1, 0)
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      if !read(bytes, start, end, line: line) { faults += 1 }
      (start, line) = (end + 1, line + 1)
    }
    if faults > Self.maximumProblems {
      problems.append(
        ConfigurationProblem(
          file: file, "\(faults - Self.maximumProblems) more lines are no prefixes", remedy: "correct these as well"))
    }
  }

  /// - Returns: whether the line is a prefix, or nothing.
  private mutating func read(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, line: Int) -> Bool {
    var (start, last) = (start, start)
    while last < end, bytes[last] != UInt8(ascii: "#") { last += 1 }
    while start < last, Self.isSpace(bytes[start]) { start += 1 }
    while last > start, Self.isSpace(bytes[last - 1]) { last -= 1 }
    guard start < last else { return true }
    if let prefix = Self.ipv4(bytes, start, last) {
      ipv4.append(prefix)
      return true
    }
    let text = String(decoding: (start..<min(last, start + 200)).map { bytes[$0] }, as: UTF8.self)
    do throws(ValueFault) {
      switch try PacketValue.prefix(text) {
      case .ipv4(let prefix): ipv4.append(prefix)
      case .ipv6(let prefix): ipv6.append(prefix)
      }
      return true
    } catch {
      if problems.count < Self.maximumProblems {
        problems.append(
          ConfigurationProblem(
            file: file, line: line, value: text, error.problem, remedy: error.remedy))
      }
      return false
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

  /// nil: not of the plain form `a.b.c.d` or `a.b.c.d/n`, or with bits behind the prefix.
  private static func ipv4(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> IPv4Prefix? {
    var (address, place): (UInt32, Int) = (0, start)
    for part in 0..<4 {
      guard let number = number(bytes, &place, end, 255) else { return nil }
      address = address << 8 | number
      guard part < 3 else { break }
      guard place < end, bytes[place] == UInt8(ascii: ".") else { return nil }
      place += 1
    }
    var length: UInt32 = 32
    if place < end {
      guard bytes[place] == UInt8(ascii: "/") else { return nil }
      place += 1
      guard let number = number(bytes, &place, end, 32), place == end else { return nil }
      length = number
    }
    let prefix = IPv4Prefix(masking: address, length: Int(length))
    return prefix.address == address ? prefix : nil
  }

  /// Digits as inet_pton(3) takes them: no leading zeros.
  private static func number(_ bytes: Span<UInt8>, _ place: inout Int, _ end: Int, _ most: UInt32) -> UInt32? {
    let first = place
    var number: UInt32 = 0
    while place < end, place < first + 4, bytes[place] &- 48 < 10 {
      number = number * 10 + UInt32(bytes[place] - 48)
      place += 1
    }
    guard place > first, number <= most, place == first + 1 || bytes[first] != 48 else { return nil }
    return number
  }
}
