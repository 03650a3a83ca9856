import Testing

@testable import XSKEngine

@Suite struct PacketFilterTests {
  typealias Instruction = PacketFilter.Instruction

  static let end = Instruction(code: 0x06, operand: 1)

  @Test(
    arguments: [
      ([], "0 instructions, where 1 to 512 are possible"),
      (.init(repeating: end, count: 513), "513 instructions, where 1 to 512 are possible"),
      ([.init(code: 0x00, operand: 1)], "it does not end with a return"),
      ([.init(code: 0x08, operand: 1), end], "instruction 0 (code 8) is none"),
      ([.init(code: 0x8C, operand: 1), end], "instruction 0 (code 140) is none"),
      ([.init(code: 0xB4, operand: 1), end], "instruction 0 (code 180) is none"),
      ([.init(code: 0x0E, operand: 1), end], "instruction 0 (code 14) is none"),
      ([.init(code: 0x130, operand: 1), end], "instruction 0 (code 304) is none"),
      ([.init(code: 0x60, operand: 16), end], "instruction 0 (code 96) names a word beyond the 16 that there are"),
      ([.init(code: 0x03, operand: .max), end], "instruction 0 (code 3) names a word beyond the 16 that there are"),
      ([.init(code: 0x34, operand: 0), end], "instruction 0 (code 52) divides by zero"),
      ([.init(code: 0x94, operand: 0), end], "instruction 0 (code 148) divides by zero"),
      ([.init(code: 0x64, operand: 32), end], "instruction 0 (code 100) shifts by 32 bits"),
      ([.init(code: 0x05, operand: 1), end], "instruction 0 (code 5) jumps past the end, or backwards"),
      ([.init(code: 0x05, operand: .max), end], "instruction 0 (code 5) jumps past the end, or backwards"),
      ([.init(code: 0x15, jumpTrue: 1, operand: 0), end], "instruction 0 (code 21) jumps past the end"),
      ([.init(code: 0x15, jumpFalse: 255, operand: 0), end], "instruction 0 (code 21) jumps past the end"),
    ] as [([Instruction], String)])
  func `a program that could do harm is refused`(program: [Instruction], expected: String) {
    #expect(problem { _ = try PacketFilter(program) }?.contains(expected) == true)
  }

  @Test(arguments: [
    "", "1", "2\n6 0 0 1\n", "1\n6 0 0\n", "1\n6 0 0 -1\n", "1\n6 0 300 1\n", "x\n6 0 0 1\n", "1\n6 0 0 4294967296\n",
  ]) func `text that is no program is refused`(text: String) {
    #expect(problem { _ = try PacketFilter(text: text) }?.hasPrefix("capture filter: ") == true)
  }

  @Test func `text and program are the same`() throws {
    let filter = try PacketFilter([
      .init(code: 0x30, operand: 12), .init(code: 0x15, jumpTrue: 0, operand: 8), Self.end,
    ])
    #expect(filter.text == "3\n48 0 0 12\n21 0 0 8\n6 0 0 1\n")
    #expect(try PacketFilter(text: filter.text) == filter)
  }

  /// What is loaded from beyond the end makes a program not match, whatever it would return.
  @Test(
    arguments: [
      (0x20, 0, true), (0x20, 1, false), (0x28, 2, true), (0x28, 3, false), (0x30, 3, true), (0x30, 4, false),
      (0x20, .max, false), (0x30, .max, false),
    ] as [(UInt16, UInt32, Bool)])
  func `loads are bounded by the packet`(code: UInt16, offset: UInt32, isIn: Bool) throws {
    let filter = try PacketFilter([.init(code: code, operand: offset), Self.end])
    let packet: [UInt8] = [1, 2, 3, 4]
    // Safe: bytes have no padding.
    #expect(unsafe filter.matches(packet.span.bytes, length: 4) == isIn)
    let indexed = try PacketFilter([
      .init(code: 0x01, operand: offset), .init(code: code & ~0x20 | 0x40, operand: 0), Self.end,
    ])
    #expect(unsafe indexed.matches(packet.span.bytes, length: 4) == isIn)
  }
}
