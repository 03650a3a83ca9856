import Forwarder
import PacketSamples

/// Routes the slow way: looks through all of them for the longest that matches.
struct NaiveTable<Address: IPAddressNumber> {
  var routes: [(prefix: IPPrefix<Address>, value: UInt32)] = []

  func lookup(_ address: Address) -> UInt32 {
    var best: (length: Int, value: UInt32) = (-1, .max)
    for route in routes where Int(route.prefix.length) > best.length && route.prefix.contains(address) {
      best = (Int(route.prefix.length), route.value)
    }
    return best.value
  }

  var list: RouteList<Address> {
    get throws {
      var list = RouteList<Address>()
      for route in routes { try list.insert(route.prefix, route.value) }
      return list
    }
  }

  /// The places where something may change: each prefix's ends and their neighbours, and as many random addresses.
  func probes(_ random: inout SeededGenerator) -> [Address] {
    var probes: [Address] = [0, .max]
    for route in routes {
      let (first, last) = (route.prefix.address, route.prefix.last)
      probes += [first, last, first &- 1, last &+ 1, .random(in: first...last, using: &random)]
      probes.append(.random(in: 0 ... .max, using: &random))
    }
    return probes
  }
}

/// Random prefixes of all lengths, each once; most of them inside or around one another.
func randomPrefixes<Address: IPAddressNumber>(
  _ count: Int, lengths: ClosedRange<Int>, _ random: inout SeededGenerator
) -> [IPPrefix<Address>] {
  var known: Set<IPPrefix<Address>> = []
  var prefixes: [IPPrefix<Address>] = []
  for _ in 0..<4 * count where prefixes.count < count {
    var address = Address.random(in: 0 ... .max, using: &random)
    if let near = prefixes.randomElement(using: &random), !random.once(in: 4) {
      // Shares the beginning of another, of random length.
      let shared = Int.random(in: 0...Address.bitWidth, using: &random)
      address = IPPrefix(masking: near.address, length: shared).address | address & ~(~0 << (Address.bitWidth - shared))
    }
    let prefix = IPPrefix(masking: address, length: Int.random(in: lengths, using: &random))
    if known.insert(prefix).inserted { prefixes.append(prefix) }
  }
  return prefixes
}

/// A million numbers are no test's expectation: says where the first ones differ.
func differences<Address: IPAddressNumber, Value: Equatable>(
  _ addresses: [Address], _ left: [Value], _ right: [Value]
) -> [String] {
  addresses.indices.lazy.filter { left[$0] != right[$0] }.prefix(5)
    .map { "\(addresses[$0].addressText): \(left[$0]), not \(right[$0])" }
}
