/// Random traffic: several flows, each a stream of segments, then lost, duplicated, displaced and spoilt.
public struct SampleTraffic {
  public private(set) var packets: [SamplePacket] = []

  public init(_ random: inout SeededGenerator, trouble: Bool) {
    var streams = (0..<Int.random(in: 1...6, using: &random)).map { Self.stream(UInt16($0 + 1), &random) }
    while streams.contains(where: { !$0.isEmpty }) {
      let number = Int.random(in: 0..<streams.count, using: &random)
      let train = min(streams[number].count, Int.random(in: 1...8, using: &random))
      packets += streams[number][..<train]
      streams[number].removeFirst(train)
    }
    if trouble { disturb(&random) }
  }

  static func stream(_ port: UInt16, _ random: inout SeededGenerator) -> [SamplePacket] {
    var packet = SamplePacket()
    packet.sourcePort = port
    packet.isIPv6 = random.once(in: 2)
    packet.transport = random.once(in: 3) ? .udp : .tcp
    if random.once(in: 4) { packet.vlans = [(0x8100, port)] }
    packet.tcpOptions = random.once(in: 3) ? [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] : []
    packet.sequence = UInt32.max - UInt32.random(in: 0...4_000, using: &random)
    packet.identification = .random(in: 0...UInt16.max, using: &random)
    let step: UInt16 = random.once(in: 3) ? 0 : 1
    let size = Int.random(in: 1...200, using: &random)
    return (0..<Int.random(in: 1...60, using: &random)).map { place in
      let length = random.once(in: 12) ? Int.random(in: 0...size, using: &random) : size
      packet.payload = SamplePacket.fill(length, from: place)
      packet.tcpFlags = random.once(in: 15) ? [0x18, 0x11, 0x90, 0x12, 0x50].randomElement(using: &random)! : 0x10
      defer {
        packet.sequence &+= UInt32(length)
        packet.identification &+= step
        if random.once(in: 20) { packet.acknowledgement &+= 1 }
      }
      return packet
    }
  }

  mutating func disturb(_ random: inout SeededGenerator) {
    for _ in 0..<packets.count / 8 {
      let place = Int.random(in: 0..<packets.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: packets.remove(at: place)
      case 1: packets.insert(packets[place], at: Int.random(in: place...min(place + 5, packets.count), using: &random))
      case 2: packets[place].checksumError = 1
      case 3: packets[place].moreFragments = !packets[place].isIPv6
      case 4: packets[place].timeToLive = 3
      default:
        packets.insert(packets.remove(at: place), at: Int.random(in: max(0, place - 9)..<place + 1, using: &random))
      }
      if packets.isEmpty { return }
    }
  }
}
