import Forwarder

/// What a next hop is made of, so that it can be made anew when devices or neighbours change, without touching a route.
enum HopSource: Hashable, Sendable {
  /// A route of the kernel's.
  case kernel(RouteTarget)
  /// A neighbour in a connected network.
  case neighbour(NeighbourKey)
  /// What the configuration says, port numbers being its own.
  case configured(ConfiguredRoute.Target, mtu: UInt16?, vlan: UInt16?)
  /// The host itself.
  case host
}

/// Numbers for sources: equal ones have one number, which is free again when nobody uses it any more.
struct HopNumbers {
  private var numbers: [HopSource: UInt32] = [:]
  /// nil: a number that is free.
  private(set) var sources: [HopSource?] = []
  /// How often each number was given anew: what was known of it is over then.
  private(set) var generations: [UInt32] = []
  private var uses: [UInt32] = []
  private var free: [UInt32] = []

  /// The number of a source, used once more.
  mutating func use(_ source: HopSource) -> UInt32 {
    if let number = numbers[source] {
      uses[Int(number)] += 1
      return number
    }
    let number = free.popLast() ?? UInt32(sources.count)
    if Int(number) == sources.count {
      sources.append(source)
      generations.append(0)
      uses.append(1)
    } else {
      sources[Int(number)] = source
      generations[Int(number)] &+= 1
      uses[Int(number)] = 1
    }
    numbers[source] = number
    return number
  }

  /// The number if the source has one.
  func number(of source: HopSource) -> UInt32? { numbers[source] }

  subscript(number: UInt32) -> HopSource? { sources[Int(number)] }

  mutating func release(_ number: UInt32) {
    uses[Int(number)] -= 1
    guard uses[Int(number)] == 0, let source = sources[Int(number)] else { return }
    numbers[source] = nil
    sources[Int(number)] = nil
    free.append(number)
  }
}
