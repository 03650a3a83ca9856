/// A packet filter in classic BPF, the form that libpcap compiles filter expressions to, run by the worker on each packet
/// that a capture might take.
///
/// A program is checked when it is made: it only jumps forward, so that it ends, and touches nothing but the packet (checked
/// against its length at each load) and 16 words of its own. What it loads from beyond the packet's end makes it not match.
/// (https://www.tcpdump.org/papers/bpf-usenix93.pdf; libpcap's bpf_filter.c)
public struct PacketFilter: Hashable, Sendable {
  /// As struct bpf_insn.
  @frozen public struct Instruction: Hashable, BitwiseCopyable, Sendable {
    public var code: UInt16
    public var jumpTrue: UInt8
    public var jumpFalse: UInt8
    public var operand: UInt32

    public init(code: UInt16, jumpTrue: UInt8 = 0, jumpFalse: UInt8 = 0, operand: UInt32) {
      (self.code, self.jumpTrue, self.jumpFalse, self.operand) = (code, jumpTrue, jumpFalse, operand)
    }
  }

  public let instructions: [Instruction]

  /// Instructions of a program at most: what bounds a worker's time for a packet.
  public static let maximumInstructions = 512

  /// - Throws: a program that is empty, too long, or does what a filter may not.
  public init(_ instructions: [Instruction]) throws(XSKError) {
    guard (1...Self.maximumInstructions).contains(instructions.count) else {
      throw Self.refused("\(instructions.count) instructions, where 1 to \(Self.maximumInstructions) are possible")
    }
    for (place, instruction) in instructions.enumerated() {
      let behind = instructions.count - place - 1
      guard let problem = instruction.problem(behind: behind) else { continue }
      throw Self.refused("instruction \(place) (code \(instruction.code)) \(problem)")
    }
    guard let last = instructions.last, last.code & 7 == Operation.leave else {
      throw Self.refused("it does not end with a return")
    }
    self.instructions = instructions
  }

  /// Reads the text that `tcpdump -ddd` prints: the number of instructions, then each as four decimal numbers.
  public init(text: String) throws(XSKError) {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let first = lines.first, let count = Int(first), count == lines.count - 1 else {
      throw Self.refused("its first line is not the number of those that follow")
    }
    var instructions: [Instruction] = []
    for line in lines.dropFirst() {
      let words = line.split(separator: " ")
      guard words.count == 4, let code = UInt16(words[0]), let jumpTrue = UInt8(words[1]),
        let jumpFalse = UInt8(words[2]), let operand = UInt32(words[3])
      else { throw Self.refused("'\(line)' is not an instruction") }
      instructions.append(Instruction(code: code, jumpTrue: jumpTrue, jumpFalse: jumpFalse, operand: operand))
    }
    try self.init(instructions)
  }

  /// As `init(text:)` reads it.
  public var text: String {
    "\(instructions.count)\n"
      + instructions.map { "\($0.code) \($0.jumpTrue) \($0.jumpFalse) \($0.operand)\n" }.joined()
  }

  /// Whether a packet matches.
  ///
  /// - Parameters:
  ///   - packet: its bytes, or the first of them.
  ///   - length: how many it has altogether.
  public func matches(_ packet: RawSpan, length: Int) -> Bool {
    Self.run(instructions.span, packet, length: UInt32(truncatingIfNeeded: length)) != 0
  }

  private static func refused(_ problem: String) -> XSKError {
    XSKError(
      "capture filter", problem, remedy: "give a program as libpcap compiles it: tcpdump -y EN10MB -ddd EXPRESSION")
  }
}

extension PacketFilter {
  /// The classes of instructions: the code's lowest three bits.
  enum Operation {
    static let load: UInt16 = 0
    static let loadIndex: UInt16 = 1
    static let store: UInt16 = 2
    static let storeIndex: UInt16 = 3
    static let arithmetic: UInt16 = 4
    static let jump: UInt16 = 5
    static let leave: UInt16 = 6
    static let move: UInt16 = 7
  }

  static let words = 16
}

extension PacketFilter.Instruction {
  /// Why it can't stand where `behind` more instructions follow; nil: it can.
  fileprivate func problem(behind: Int) -> String? {
    let isKnown =
      switch code & 7 {
      case PacketFilter.Operation.load:
        [0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80].contains(code)
      case PacketFilter.Operation.loadIndex: [0x01, 0x61, 0x81, 0xB1].contains(code)
      case PacketFilter.Operation.store: code == 0x02
      case PacketFilter.Operation.storeIndex: code == 0x03
      case PacketFilter.Operation.arithmetic: code & ~0xF8 == 4 && (code & 0xF0 <= 0xA0 && code != 0x8C)
      case PacketFilter.Operation.jump: code & ~0xF8 == 5 && code & 0xF0 <= 0x40 && code != 0x0D
      case PacketFilter.Operation.leave: code == 0x06 || code == 0x16
      default: code == 0x07 || code == 0x87
      }
    guard isKnown else { return "is none" }
    switch code {
    case 0x60, 0x61, 0x02, 0x03:
      return operand < PacketFilter.words ? nil : "names a word beyond the \(PacketFilter.words) that there are"
    case 0x34, 0x94: return operand == 0 ? "divides by zero" : nil
    case 0x64, 0x74: return operand < 32 ? nil : "shifts by \(operand) bits"
    case 0x05: return operand < UInt32(behind) ? nil : "jumps past the end, or backwards"
    default: break
    }
    guard code & 7 == PacketFilter.Operation.jump else { return nil }
    return Int(max(jumpTrue, jumpFalse)) < behind ? nil : "jumps past the end"
  }
}
