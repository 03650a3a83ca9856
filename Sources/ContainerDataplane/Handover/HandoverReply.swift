import Glibc
import XSKEngine

/// What is answered to a message: a packet, descriptors that go with it, and whether the connection ends then.
struct HandoverReply {
  /// nil: nothing is answered.
  var text: String?
  var descriptors: [CInt] = []
  /// Keeps the descriptors open until they are sent; ours are closed with it.
  var keeping: [any Sendable] = []
  var closes = false
  /// The socket that goes with it and is bound to nothing yet: it is to be settled when the process has mapped it.
  var unbound: PreparedSocket?

  static let silence = HandoverReply(text: nil)
  /// The connection ends without an answer: what clients take for a failure, whatever they make of words.
  static let close = HandoverReply(text: nil, closes: true)

  init(
    text: String?, descriptors: [CInt] = [], keeping: [any Sendable] = [], closes: Bool = false,
    unbound: PreparedSocket? = nil
  ) {
    self.text = text
    self.descriptors = descriptors
    self.keeping = keeping
    self.closes = closes
    self.unbound = unbound
  }

  init(_ text: String) { self.text = text }

  /// The packet's bytes: ASCII, and no more than a client has room for.
  var bytes: [UInt8]? {
    text.map { text in
      let ascii = text.unicodeScalars.map { (0x20..<0x7F).contains($0.value) ? UInt8($0.value) : UInt8(ascii: "?") }
      return Array(ascii.prefix(HandoverCommand.mostBytesOfReply))
    }
  }
}
