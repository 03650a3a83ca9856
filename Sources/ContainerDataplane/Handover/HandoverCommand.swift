import XSKEngine

/// A message of a tenant's process, understood: the Intel device plugin's handshake 0.1, and what is our own.
///
/// Messages are ASCII, one a packet, words separated by commas; a space behind a comma is allowed.
enum HandoverCommand: Hashable, Sendable {
  /// `/connect,HOSTNAME`. The name proves nothing, and is not looked at.
  case connect
  /// `/version`
  case version
  /// `/xsk_map_fd,DEVICE`
  case map(device: String)
  /// `/config_busy_poll,MICROSECONDS,BUDGET` with a socket's descriptor.
  case busyPoll(microseconds: Int, budget: Int)
  /// `/fin`
  case fin
  /// `/xsk_socket[,QUEUE[,KEY=VALUE…]]` with a memory file's descriptor.
  case socket(HandoverRequest)
  /// `/xsk_mapped`: the rings of the socket that was handed over unbound are.
  case mapped
  /// `/xsk_device`
  case device
  /// `/xsk_quota`
  case quota
  /// `/xsk_address,NUMBER`
  case address(Int)
  /// One that is known but not rightly written; and what is answered.
  case malformed(answer: String)
  /// A reply, or what a client says that was answered with something it did not know: answering it would have no end.
  case reply
  /// Anything else.
  case unknown

  /// Bytes of a message at most: of the plugin's protocol, of `/xsk_socket`, and of a reply.
  static let mostBytes = 64
  static let mostBytesOfOurs = 127
  static let mostBytesOfReply = 127

  /// Busy polling that a client may ask for: more than a millisecond a call would be felt by others on the same CPU, and 64
  /// is what any process may set.
  static let busyPollMicroseconds = 0...1000
  static let busyPollBudget = 1...64

  private static let replies: Set<Substring> = ["/host_ok", "/nak", "/error", "0.1"]

  init(_ message: some Collection<UInt8>) {
    // Some clients send the zero behind a C string along.
    let end = message.firstIndex(of: 0) ?? message.endIndex
    let bytes = message[..<end]
    guard message[end...].allSatisfy({ $0 == 0 }), !bytes.isEmpty, bytes.allSatisfy({ (0x20..<0x7F).contains($0) })
    else {
      self = .unknown
      return
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let words = parts.prefix(1) + parts.dropFirst().map(Self.trim)
    let isLong = bytes.count > (words[0] == "/xsk_socket" ? Self.mostBytesOfOurs : Self.mostBytes)
    self = isLong ? .unknown : Self.parse(Array(words))
  }

  private static func trim(_ word: Substring) -> Substring {
    var word = word.drop { $0 == " " }
    while word.last == " " { word.removeLast() }
    return word
  }

  private static func parse(_ words: [Substring]) -> HandoverCommand {
    switch words[0] {
    case "/connect": words.count == 2 && !words[1].isEmpty ? .connect : .malformed(answer: "/host_nak")
    case "/version": words.count == 1 ? .version : .malformed(answer: "/nak")
    case "/fin": words.count == 1 ? .fin : .malformed(answer: "/nak")
    case "/xsk_map_fd":
      words.count == 2 && !words[1].isEmpty ? .map(device: String(words[1])) : .malformed(answer: "/nak")
    case "/config_busy_poll": busyPoll(words)
    case "/xsk_socket": socket(words)
    case "/xsk_mapped": words.count == 1 ? .mapped : .malformed(answer: "/nak")
    case "/xsk_device": words.count == 1 ? .device : .malformed(answer: "/nak")
    case "/xsk_quota": words.count == 1 ? .quota : .malformed(answer: "/nak")
    case "/xsk_address":
      words.count == 2
        ? HandoverRequest.number(words[1]).map(address) ?? .malformed(answer: "/nak")
        : .malformed(answer: "/nak")
    case let word where replies.contains(word) || word.hasSuffix("_ack") || word.hasSuffix("_nak"): .reply
    case let word where word.hasPrefix("{"): .reply
    default: .unknown
    }
  }

  private static func busyPoll(_ words: [Substring]) -> HandoverCommand {
    guard words.count == 3 else { return .malformed(answer: "/nak") }
    guard let microseconds = HandoverRequest.number(words[1]), busyPollMicroseconds.contains(microseconds),
      let budget = HandoverRequest.number(words[2]), busyPollBudget.contains(budget)
    else { return .malformed(answer: "/config_busy_poll_nak") }
    return .busyPoll(microseconds: microseconds, budget: budget)
  }

  private static func socket(_ words: [Substring]) -> HandoverCommand {
    let queue = words.count > 1 ? HandoverRequest.number(words[1]) : 0
    guard let queue, let request = HandoverRequest(queue: queue, words: words.dropFirst(2)) else {
      return .malformed(answer: "/xsk_socket_nak,not QUEUE and KEY=NUMBER, each key once")
    }
    return .socket(request)
  }
}
