import XSKLab

/// Two namespaces and a cable between them, as most tests here need. It goes when released.
struct TwoNamespaces {
  let left: NetworkNamespace
  let right: NetworkNamespace
  let pair: VethPair

  init(mtu: UInt32 = 1500, gro: Bool = false, isIPv6: Bool = false) throws {
    left = try NetworkNamespace("left")
    right = try NetworkNamespace("right")
    pair = try VethPair(
      VethEnd(
        "l0", in: left, address: "02:00:00:00:00:01", addresses: isIPv6 ? ["fd00::1/64"] : ["10.9.0.1/24"], gro: gro),
      VethEnd(
        "r0", in: right, address: "02:00:00:00:00:02", addresses: isIPv6 ? ["fd00::2/64"] : ["10.9.0.2/24"], gro: gro),
      mtu: mtu)
  }

  /// A frame from left to right for an Ethernet address that nobody has: the stack drops it and answers nothing.
  func frame(size: Int) throws -> [UInt8] {
    var template = try FrameTemplate(from: pair.left, to: pair.right)
    template.destinationAddress = "02:00:00:00:00:99"
    return try template.frame(size: size)
  }

  var rightAddress: String { String(pair.right.addresses[0].prefix { $0 != "/" }) }
}
