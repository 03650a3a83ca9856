import CCaptures
public import XSKEngine

extension PacketFilter {
  /// Compiles a filter expression, as in tcpdump(8), for Ethernet (pcap-filter(7)).
  ///
  /// - Throws: what libpcap does not understand, in its words; a program that is longer than a worker may run, or has loops
  ///   (`protochain`).
  public init(expression: String) throws(XSKError) {
    var message = [CChar](repeating: 0, count: CCAPTURES_MESSAGE)
    var instructions = [ccaptures_instruction](repeating: ccaptures_instruction(), count: Self.maximumInstructions)
    // Safe: the arrays have as many elements as the call is told, or as libpcap's messages are long.
    let count = unsafe ccaptures_compile(
      expression, CInt(CaptureSelection.maximumSnapLength), &instructions, CInt(instructions.count), &message)
    guard count >= 0 else {
      throw XSKError(
        "filter '\(expression)'", "is not understood (\(CaptureReader.text(message)))",
        remedy: "write it as for tcpdump, see pcap-filter(7)")
    }
    guard count <= Self.maximumInstructions else {
      throw XSKError(
        "filter '\(expression)'", "needs \(count) instructions, where \(Self.maximumInstructions) are possible",
        remedy: "make it shorter, and filter the rest with tcpdump -r")
    }
    do throws(XSKError) {
      try self.init(
        instructions.prefix(Int(count)).map {
          Instruction(code: $0.code, jumpTrue: $0.jump_true, jumpFalse: $0.jump_false, operand: $0.operand)
        })
    } catch {
      throw XSKError(
        "filter '\(expression)'", "can't run in a worker (\(error.problem))",
        remedy: "leave protochain out, and filter the rest with tcpdump -r")
    }
  }
}
