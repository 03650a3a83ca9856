/// What a process asks of xskd when it asks for a socket: `/xsk_socket[,QUEUE[,KEY=VALUE…]]`.
public struct HandoverRequest: Hashable, Sendable {
  /// The interface's queue.
  public var queue: Int
  /// Frames, chunk size and headroom of the UMEM; other fields stay with who maps it.
  public var umem: UMEMConfiguration
  public var rings: RingSizes
  /// Frames of the UMEM that are in the fill ring before the socket is bound; nil: as many as the fill ring takes, but at most
  /// half of them all, from the first on.
  public var framesWithKernel: Range<Int>?
  /// Packets may span several frames (XDP_USE_SG).
  public var multiBuffer: Bool

  public init(
    queue: Int = 0, umem: UMEMConfiguration = UMEMConfiguration(frames: 4096, pages: .sealedMemfd),
    rings: RingSizes = RingSizes(receive: 1024, transmit: 1024), framesWithKernel: Range<Int>? = nil,
    multiBuffer: Bool = false
  ) {
    self.queue = queue
    self.umem = umem
    self.rings = rings
    self.framesWithKernel = framesWithKernel
    self.multiBuffer = multiBuffer
  }

  /// As `framesWithKernel`, decided.
  public var given: Range<Int> { framesWithKernel ?? 0..<min(Int(rings.fill), umem.frames / 2) }

  /// - Throws: what no kernel would take.
  package func validate() throws(XSKError) {
    try umem.validate()
    try rings.validate()
    guard given.lowerBound >= 0, given.upperBound <= umem.frames, given.count <= Int(rings.fill) else {
      throw XSKError(
        "frames \(given.lowerBound) to \(given.upperBound) with the kernel", "more than the UMEM or the fill ring has",
        remedy: "give at most \(min(umem.frames, Int(rings.fill)))")
    }
  }
}

// MARK: As text

extension HandoverRequest {
  /// Its numbers by key, in the order in which they are written.
  private static let keys: [(key: String, path: WritableKeyPath<Numbers, Int> & Sendable)] = [
    ("chunk", \.chunk), ("frames", \.frames), ("first", \.first), ("given", \.given), ("rx", \.receive),
    ("tx", \.transmit), ("fill", \.fill), ("comp", \.completion), ("room", \.headroom), ("sg", \.multiBuffer),
  ]

  /// The same as plain numbers; −1: not said.
  private struct Numbers {
    var chunk = -1
    var frames = -1
    var first = -1
    var given = -1
    var receive = -1
    var transmit = -1
    var fill = -1
    var completion = -1
    var headroom = -1
    var multiBuffer = -1
  }

  /// `,chunk=2048,frames=4096,…`: what request and answer have alike. What is 0 by default is left out when it is.
  package var fields: String {
    let numbers = Numbers(
      chunk: umem.chunkSize, frames: umem.frames, first: given.lowerBound, given: given.count,
      receive: Int(rings.receive), transmit: Int(rings.transmit), fill: Int(rings.fill),
      completion: Int(rings.completion), headroom: umem.headroom, multiBuffer: multiBuffer ? 1 : 0)
    return Self.keys.map { key, path in
      let value = numbers[keyPath: path]
      return value == 0 && ["first", "room", "sg"].contains(key) ? "" : ",\(key)=\(value)"
    }.joined()
  }

  /// The message that asks for it.
  package var message: String { "/xsk_socket,\(queue)\(fields)" }

  /// Reads the words behind `/xsk_socket` or `/xsk_socket_ack`. Numbers are decimal, without sign, of at most 9 digits.
  ///
  /// - Parameters:
  ///   - words: without spaces around them.
  ///   - other: takes a key that is none of these; false: nobody knows it.
  /// - Returns: nil if they are not of the form; whether their values fit is another question.
  package init?(queue: Int = 0, words: some Sequence<Substring>, other: (Substring, Int) -> Bool = { _, _ in false }) {
    self.init(queue: queue)
    var numbers = Numbers()
    for word in words {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let value = Self.number(parts[1]) else { return nil }
      if let (_, path) = Self.keys.first(where: { $0.key == parts[0] }) {
        guard numbers[keyPath: path] < 0 else { return nil }
        numbers[keyPath: path] = value
      } else if !other(parts[0], value) {
        return nil
      }
    }
    apply(numbers)
  }

  private mutating func apply(_ numbers: Numbers) {
    func said(_ value: Int, _ take: (Int) -> Void) { if value >= 0 { take(value) } }
    said(numbers.chunk) { umem.chunkSize = $0 }
    said(numbers.frames) { umem.frames = $0 }
    said(numbers.headroom) { umem.headroom = $0 }
    // A ring that is not named follows from the ones that are, as in `RingSizes`.
    let (receive, transmit) = (rings.receive, rings.transmit)
    rings = RingSizes(
      receive: numbers.receive < 0 ? receive : Self.size(numbers.receive),
      transmit: numbers.transmit < 0 ? transmit : Self.size(numbers.transmit),
      fill: numbers.fill < 0 ? nil : Self.size(numbers.fill),
      completion: numbers.completion < 0 ? nil : Self.size(numbers.completion))
    multiBuffer = numbers.multiBuffer > 0
    if numbers.first >= 0 || numbers.given >= 0 {
      let first = max(0, numbers.first)
      let count = numbers.given < 0 ? min(Int(rings.fill), umem.frames / 2) : numbers.given
      framesWithKernel = first..<first + count
    }
  }

  /// A ring's size; what is no size becomes one that is refused.
  private static func size(_ value: Int) -> UInt32 { UInt32(exactly: value) ?? .max }

  /// A decimal number of at most 9 digits.
  package static func number(_ text: Substring) -> Int? {
    guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(text)
  }
}
