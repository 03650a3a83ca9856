import PacketHeaders

/// Of up to 64 rules those that each protocol and each port leave: a bit for each rule. A view of `CompiledRules`.
///
///     protocols     256 words
///     pages         of destination ports, and of source ports: for each upper byte of a port the place of its page, 256 each
///     page          256 words, for each lower byte; equal pages are there once
@safe struct ServiceWords: BitwiseCopyable, @unchecked Sendable {
  // Safe: leads into the immutable memory of the `CompiledRules` that this is a view of, whose keeper answers for its life.
  private let words: UnsafePointer<UInt64>

  private static let destinationPages = 256
  private static let sourcePages = 512
  private static let firstPage = 768

  /// Words that leave no rule to any packet. Never freed.
  static let none = ServiceWords()

  private init() {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.firstPage)
    // The page of each port is the first 256 words: zeros, as all others.
    unsafe words.initialize(repeating: 0, count: Self.firstPage)
    unsafe self.words = UnsafePointer(words)
  }

  /// - Precondition: there are at most 64 rules.
  @unsafe init(_ classifier: RuleClassifier, _ memory: RuleMemory) {
    precondition(classifier.count <= 64)
    var words = (0...UInt8.max).map { classifier.word(ofProtocol: $0) }
    words += [UInt64](repeating: 0, count: Self.firstPage - words.count)
    var places: [[UInt64]: Int] = [:]
    for (field, first) in [(RuleField.destinationPort, Self.destinationPages), (.sourcePort, Self.sourcePages)] {
      for upper in 0..<256 {
        let page = (0..<256).map { classifier.word(of: field, port: UInt16(upper << 8 | $0)) }
        if places[page] == nil {
          places[page] = words.count
          words += page
        }
        words[first + upper] = UInt64(places[page] ?? 0)
      }
    }
    unsafe self.words = memory.keep(words)
  }

  /// The rules that are left to a well-formed TCP or UDP packet, by `FlowKey.identity`.
  @inline(__always)
  func served(identity: UInt64) -> UInt64 {
    // Ports are as in memory: the upper byte first. The tables have a page for every upper byte.
    let ipProtocol = unsafe words[Self.byte(identity, 32)]
    let destination = unsafe words[Self.destinationPages &+ Self.byte(identity, 16)]
    let source = unsafe words[Self.sourcePages &+ Self.byte(identity, 0)]
    return unsafe ipProtocol & words[Int(truncatingIfNeeded: destination) &+ Self.byte(identity, 24)]
      & words[Int(truncatingIfNeeded: source) &+ Self.byte(identity, 8)]
  }

  @inline(__always)
  private static func byte(_ word: UInt64, _ shift: UInt64) -> Int {
    Int(truncatingIfNeeded: word &>> shift) & 0xFF
  }
}

extension RuleClassifier {
  fileprivate func word(ofProtocol number: UInt8) -> UInt64 {
    let isAsked = fieldsInUse >> UInt32(RuleField.ipProtocol.rawValue) & 1 != 0
    // Row 0 has every rule.
    return unsafe heads[isAsked ? Int(shortRow(.ipProtocol, number)) : 0].summary
  }

  fileprivate func word(of field: RuleField, port: UInt16) -> UInt64 {
    let isAsked = fieldsInUse >> UInt32(field.rawValue) & 1 != 0
    // As above.
    return unsafe heads[isAsked ? Int(longRow(field, port)) : 0].summary
  }
}
