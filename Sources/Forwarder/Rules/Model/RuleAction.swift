/// What a rule does with a packet that matches.
///
/// As in nftables, actions are carried out from left to right, and a rule ends with a verdict or without one. The terminal
/// ones are verdicts: the packet goes no further. After the others the packet goes on to the rule's next action, and behind the
/// last one to the next rule that matches.
public enum RuleAction: Hashable, Sendable {
  /// Terminal: dropped, counted under a reason of the operator's.
  case drop(String)
  /// Terminal: transmitted on a port, by its number in the engine's order.
  case forward(port: Int)
  /// Terminal: transmitted on the queue that it came in on.
  case reflect
  /// Terminal: where the routing table says.
  case route
  /// Terminal: to the host's own stack.
  case host

  /// Goes on while the limiter has tokens; what exceeds it is dropped under `excess` (nftables: `limit rate over … drop`).
  /// Limiters are numbered in the order of the configuration.
  case rateLimit(limiter: Int, excess: String)
  /// Goes on; one packet in `oneIn` is copied to whoever captures, drawn at random.
  case sample(oneIn: Int)
  /// Goes on; packets and bytes are added to a counter of the operator's. (Each rule's own matches are counted anyway.)
  case count(String)
  /// Goes on, with the outer VLAN tag set (added where there is none) or taken off.
  case setVLAN(VLANAction)
  /// Goes on, with the bits of `mask` of its mark as in `value`.
  case setMark(UInt32, mask: UInt32 = .max)

  /// Goes on with the rule of this number, from 0, which is behind this one; as many as there are: with the default. Nothing
  /// follows it in its rule.
  case skip(to: Int)

  public enum VLANAction: Hashable, Sendable {
    /// The id 0…4094 and the priority 0…7; nil leaves the priority, 0 on a new tag.
    case tag(id: Int, priority: Int? = nil)
    case remove
  }

  /// Whether the packet's way through the rules ends here.
  public var isTerminal: Bool {
    switch self {
    case .drop, .forward, .reflect, .route, .host: true
    case .rateLimit, .sample, .count, .setVLAN, .setMark, .skip: false
    }
  }

  /// The reason that it drops packets under, if it may.
  public var dropReason: String? {
    switch self {
    case .drop(let reason), .rateLimit(_, let reason): reason
    default: nil
    }
  }
}
