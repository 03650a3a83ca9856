import CXsk
import Glibc

/// A connection to an attachment's socket: one packet is said, one is answered. Closed when its owner lets go of it.
final class HandoverCall {
  /// Milliseconds to wait for an answer: a queue that was just given up takes the daemon two seconds, and another process of the
  /// same container may have five to map its socket.
  static let patience: CInt = 10_000
  /// Bytes of a reply at most.
  private static let mostBytes = 127
  private let path: String
  private let descriptor: CInt

  struct Answer {
    let words: [Substring]
    /// The caller's to close.
    let descriptors: [CInt]
  }

  /// - Parameter patience: milliseconds to wait for each answer.
  init(path: String, patience: CInt = HandoverCall.patience) throws(XSKError) {
    self.path = path
    descriptor = unsafe cxsk_packet_connect(path, patience)
    guard descriptor >= 0 else { throw Self.refusal(path, -descriptor) }
  }

  deinit { close(descriptor) }

  private static func refusal(_ path: String, _ code: CInt) -> XSKError {
    let (problem, remedy) =
      switch code {
      case ENOENT, ENOTDIR:
        ("no such socket", "name the socket that is mounted into this container; xskd makes it for each attachment")
      case ECONNREFUSED: ("nobody listens there", "start xskd on the node: xskd serve")
      case EACCES, EPERM: ("not permitted", "let this user reach the socket")
      case EPROTOTYPE: ("another kind of socket", "name an attachment's afxdp.sock")
      case EAGAIN: ("nobody answers there", "try again; see whether xskd is well: xskd show")
      default: (errorName(code), "name the socket that is mounted into this container")
      }
    return XSKError(path, problem, remedy: remedy, code: code)
  }

  /// Says something and answers what is answered.
  ///
  /// - Throws: a refusal in the daemon's words, no answer, or one that is none of the protocol's.
  func ask(_ text: String, descriptors: [CInt] = []) throws(XSKError) -> Answer {
    let bytes = Array(text.utf8)
    // Safe: as many bytes and descriptors as said.
    let sent = unsafe cxsk_packet_send(descriptor, bytes, bytes.count, descriptors, CInt(descriptors.count))
    guard sent >= 0 || sent == -Int(EPIPE) else { throw Self.refusal(path, CInt(-sent)) }
    let answer = try receive()
    guard let first = answer.words.first, !first.hasSuffix("nak"), first.hasSuffix("_ack") else {
      for descriptor in answer.descriptors { close(descriptor) }
      throw refusal(answer.words, of: text)
    }
    return answer
  }

  private func receive() throws(XSKError) -> Answer {
    var buffer = [UInt8](repeating: 0, count: Self.mostBytes + 1)
    var taken: [CInt] = [-1, -1]
    var (count, whole): (CInt, CInt) = (0, 1)
    // Safe: at most the sizes given are written.
    let length = unsafe cxsk_packet_receive(descriptor, &buffer, buffer.count, &taken, 2, &count, &whole)
    let descriptors = Array(taken.prefix(Int(count)))
    guard length > 0, whole != 0, length <= Self.mostBytes else {
      for descriptor in descriptors { close(descriptor) }
      guard length < 0, length != -Int(ECONNRESET) else {
        throw XSKError(path, "closed without an answer", remedy: "see what xskd says of it")
      }
      throw Self.refusal(path, CInt(-length))
    }
    let text = String(decoding: buffer.prefix(length), as: UTF8.self)
    return Answer(words: text.split(separator: ",", omittingEmptySubsequences: false), descriptors: descriptors)
  }

  private func refusal(_ words: [Substring], of text: String) -> XSKError {
    guard words.first != "/host_nak" else {
      return XSKError(
        path, "this process is not the attachment's",
        remedy: "run it in the container, as its user; see what xskd says of it")
    }
    guard words.first?.hasSuffix("_nak") == true, words.count > 1 else {
      return XSKError(
        path, "does not understand \(text.split(separator: ",")[0])", remedy: "use the same version of xskd and of this"
      )
    }
    let reason = words.dropFirst().joined(separator: ",")
    return XSKError(path, reason, remedy: "ask for no more than the attachment has; see what xskd says of it")
  }
}
