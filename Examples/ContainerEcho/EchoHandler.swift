import XSKEngine

/// Answers ARP and pings of IPv4, sends UDP datagrams back to who sent them, and drops everything else.
///
/// Packets are rewritten where they lie. What is swapped or changed keeps the checksums right: sums don't mind the order.
struct EchoHandler: PacketHandler {
  /// The interface's own MAC address, and its IPv4 addresses.
  let address: [UInt8]
  let hosts: [[UInt8]]

  mutating func handle(_ burst: inout Burst) {
    burst.decideEach { [self] bytes in
      guard bytes.byteCount >= 14 else { return .drop(.policy) }
      switch (bytes[12], bytes[13]) {
      case (0x08, 0x06): return answerARP(&bytes) ? .reflect : .drop(.policy)
      case (0x08, 0x00): return answerIPv4(&bytes) ? .reflect : .drop(.policy)
      default: return .drop(.policy)
      }
    }
  }

  /// RFC 826: who has one of our addresses?
  private func answerARP(_ bytes: inout MutableRawSpan) -> Bool {
    guard bytes.byteCount >= 42, bytes[20] == 0, bytes[21] == 1, isOurs(bytes, at: 38) else { return false }
    bytes[21] = 2
    // The asker becomes the target; the wanted address, and ours, the sender.
    bytes.swap(22, 32, count: 10)
    for place in 0..<6 { bytes[22 + place] = address[place] }
    bytes.returnToSender(from: address)
    return true
  }

  private func answerIPv4(_ bytes: inout MutableRawSpan) -> Bool {
    // Without options, whole, for us.
    guard bytes.byteCount >= 42, bytes[14] == 0x45, bytes[20] & 0x3F == 0, bytes[21] == 0, isOurs(bytes, at: 30) else {
      return false
    }
    switch (bytes[23], bytes[34]) {
    case (1, 8):
      // RFC 792: type 8 becomes 0, so the checksum grows by 0x0800, ones' complement.
      bytes[34] = 0
      let sum = UInt32(bytes[36]) << 8 + UInt32(bytes[37]) + 0x0800
      let folded = sum & 0xFFFF + sum >> 16
      (bytes[36], bytes[37]) = (UInt8(folded >> 8), UInt8(folded & 0xFF))
    case (17, _): bytes.swap(34, 36, count: 2)  // ports
    default: return false
    }
    bytes.swap(26, 30, count: 4)
    bytes.returnToSender(from: address)
    return true
  }

  private func isOurs(_ bytes: borrowing MutableRawSpan, at place: Int) -> Bool {
    for host in hosts where (0..<4).allSatisfy({ bytes[place + $0] == host[$0] }) { return true }
    return false
  }
}

extension MutableRawSpan {
  /// One byte; every access is checked against the packet's length.
  fileprivate subscript(place: Int) -> UInt8 {
    // Safe: the span checks the place, and any byte is a UInt8.
    get { unsafe bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self) }
    set { storeBytes(of: newValue, toByteOffset: place, as: UInt8.self) }
  }

  /// Swaps two fields.
  fileprivate mutating func swap(_ first: Int, _ second: Int, count: Int) {
    for place in 0..<count {
      (self[first + place], self[second + place]) = (self[second + place], self[first + place])
    }
  }

  /// The frame goes back to the MAC address that it came from.
  fileprivate mutating func returnToSender(from address: [UInt8]) {
    for place in 0..<6 {
      self[place] = self[6 + place]
      self[6 + place] = address[place]
    }
  }
}
