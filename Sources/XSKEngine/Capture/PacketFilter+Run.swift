extension PacketFilter {
  /// Runs a checked program.
  ///
  /// - Returns: what it returns; 0: no match.
  static func run(_ program: Span<Instruction>, _ packet: RawSpan, length: UInt32) -> UInt32 {
    var machine = Machine()
    var place = 0
    while place < program.count {
      let instruction = program[place]
      place &+= 1
      let code = instruction.code
      switch code & 7 {
      case Operation.load:
        guard let value = machine.load(instruction, packet, length) else { return 0 }
        machine.accumulator = value
      case Operation.loadIndex:
        guard let value = machine.loadIndex(instruction, packet, length) else { return 0 }
        machine.index = value
      case Operation.store: machine.memory[Int(instruction.operand & 15)] = machine.accumulator
      case Operation.storeIndex: machine.memory[Int(instruction.operand & 15)] = machine.index
      case Operation.arithmetic:
        guard machine.calculate(code, code & 8 == 0 ? instruction.operand : machine.index) else { return 0 }
      case Operation.jump: place &+= machine.jump(instruction)
      case Operation.leave: return code == 0x16 ? machine.accumulator : instruction.operand
      default:
        if code == 0x07 { machine.index = machine.accumulator } else { machine.accumulator = machine.index }
      }
    }
    return 0
  }

  /// The registers that a program has.
  private struct Machine {
    var accumulator: UInt32 = 0
    var index: UInt32 = 0
    var memory = InlineArray<16, UInt32>(repeating: 0)

    /// The next value of the accumulator; nil: it would come from beyond the packet's end.
    mutating func load(_ instruction: Instruction, _ packet: RawSpan, _ length: UInt32) -> UInt32? {
      switch instruction.code {
      case 0x00: instruction.operand
      case 0x60: memory[Int(instruction.operand & 15)]
      case 0x80: length
      case 0x20: Self.bytes(4, packet, UInt64(instruction.operand))
      case 0x28: Self.bytes(2, packet, UInt64(instruction.operand))
      case 0x30: Self.bytes(1, packet, UInt64(instruction.operand))
      case 0x40: Self.bytes(4, packet, UInt64(instruction.operand) &+ UInt64(index))
      case 0x48: Self.bytes(2, packet, UInt64(instruction.operand) &+ UInt64(index))
      default: Self.bytes(1, packet, UInt64(instruction.operand) &+ UInt64(index))
      }
    }

    mutating func loadIndex(_ instruction: Instruction, _ packet: RawSpan, _ length: UInt32) -> UInt32? {
      switch instruction.code {
      case 0x01: instruction.operand
      case 0x61: memory[Int(instruction.operand & 15)]
      case 0x81: length
      // Bytes of an IPv4 header, from its first byte.
      default: Self.bytes(1, packet, UInt64(instruction.operand)).map { ($0 & 15) &* 4 }
      }
    }

    /// False for a division by zero.
    mutating func calculate(_ code: UInt16, _ operand: UInt32) -> Bool {
      switch code & 0xF0 {
      case 0x00: accumulator = accumulator &+ operand
      case 0x10: accumulator = accumulator &- operand
      case 0x20: accumulator = accumulator &* operand
      case 0x30:
        guard operand != 0 else { return false }
        accumulator /= operand
      case 0x40: accumulator |= operand
      case 0x50: accumulator &= operand
      case 0x60: accumulator = operand < 32 ? accumulator &<< operand : 0
      case 0x70: accumulator = operand < 32 ? accumulator &>> operand : 0
      case 0x80: accumulator = 0 &- accumulator
      case 0x90:
        guard operand != 0 else { return false }
        accumulator %= operand
      default: accumulator ^= operand
      }
      return true
    }

    /// How many instructions to pass over.
    func jump(_ instruction: Instruction) -> Int {
      let operand = instruction.code & 8 == 0 ? instruction.operand : index
      let holds =
        switch instruction.code & 0xF0 {
        case 0x10: accumulator == operand
        case 0x20: accumulator > operand
        case 0x30: accumulator >= operand
        default: accumulator & operand != 0
        }
      if instruction.code == 0x05 { return Int(instruction.operand) }
      return Int(holds ? instruction.jumpTrue : instruction.jumpFalse)
    }

    /// `count` bytes in network order.
    static func bytes(_ count: Int, _ packet: RawSpan, _ offset: UInt64) -> UInt32? {
      guard offset &+ UInt64(count) <= UInt64(packet.byteCount) else { return nil }
      var value: UInt32 = 0
      for place in 0..<count {
        // Any bit pattern is a byte.
        let byte = unsafe packet.unsafeLoad(fromByteOffset: Int(offset) &+ place, as: UInt8.self)
        value = value &<< 8 | UInt32(byte)
      }
      return value
    }
  }
}
