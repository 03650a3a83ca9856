import Glibc
import PacketHeaders
import XSKEngine
import XSKLab

/// One kind of traffic that GRO is measured with: packets made once, then received over and over, in the same order and the
/// same bursts by us and by the peer.
struct GROTraffic {
  enum Order {
    /// One packet of each flow in turn.
    case roundRobin
    /// As many packets of a flow in a row.
    case trains(of: Int)
  }

  /// What results are named after, and what the peer's file is.
  let name: String
  let transport: FrameTemplate.Transport
  /// Bytes of a frame, without FCS.
  let size: Int
  let flows: Int
  let burst: Int
  let order: Order
  /// Payload counts: checksums are verified, and super-frames made.
  var isLinear = false

  /// Packets made: two bursts at least, and one of each flow. No more, so that writing them leaves the caches alone.
  var count: Int { max(128, flows) }
  /// Bytes that a frame takes on the wire: FCS, preamble and gap included.
  var wireBytes: Int { size + 24 }
  /// Bytes of a packet that the NIC's half writes where payload is never read: the cache line that has all headers.
  static let headBytes = 64

  static let chain: [GROTraffic] = [
    GROTraffic(name: "tcp-1", transport: .tcp, size: 1514, flows: 1, burst: 64, order: .roundRobin),
    GROTraffic(name: "tcp-8", transport: .tcp, size: 1514, flows: 8, burst: 64, order: .roundRobin),
    GROTraffic(name: "tcp-8-trains", transport: .tcp, size: 1514, flows: 8, burst: 64, order: .trains(of: 8)),
    GROTraffic(name: "tcp-64", transport: .tcp, size: 1514, flows: 64, burst: 128, order: .roundRobin),
    GROTraffic(name: "tcp-1024", transport: .tcp, size: 1514, flows: 1024, burst: 64, order: .roundRobin),
    GROTraffic(name: "udp64-1", transport: .udp, size: 64, flows: 1, burst: 64, order: .roundRobin),
    GROTraffic(name: "udp64-8", transport: .udp, size: 64, flows: 8, burst: 64, order: .roundRobin),
    GROTraffic(name: "udp64-1024", transport: .udp, size: 64, flows: 1024, burst: 64, order: .roundRobin),
  ]

  static let linear: [GROTraffic] = [
    GROTraffic(
      name: "linear-tcp-1", transport: .tcp, size: 1514, flows: 1, burst: 64, order: .roundRobin, isLinear: true),
    GROTraffic(
      name: "linear-tcp-8", transport: .tcp, size: 1514, flows: 8, burst: 64, order: .roundRobin, isLinear: true),
  ]

  /// The packets, in the order of arrival: of each flow an unbroken TCP stream of full segments, IPv4 identification
  /// counting up.
  func packets() throws(XSKError) -> [[UInt8]] {
    var template = FrameTemplate(
      sourceAddress: LinkAddress(number: 0x0200_0000_0001), destinationAddress: LinkAddress(number: 0x0200_0000_0002),
      source: "198.51.100.1", destination: "203.0.113.1", transport: transport)
    let payload = size - template.headerBytes
    var sent = [Int](repeating: 0, count: flows)
    var packets: [[UInt8]] = []
    for index in 0..<count {
      let flow = flow(of: index)
      template.source = "198.18.\(flow / 256).\(flow % 256)"
      template.sourcePort = UInt16(10_000 + flow * 7)
      template.identification = UInt16(truncatingIfNeeded: flow * 101 + sent[flow])
      template.tcpSequence = UInt32(truncatingIfNeeded: flow * 65_537 + sent[flow] * payload)
      packets.append(try template.frame(size: size, seed: UInt8(truncatingIfNeeded: index)))
      sent[flow] += 1
    }
    return packets
  }

  private func flow(of index: Int) -> Int {
    switch order {
    case .roundRobin: index % flows
    case .trains(let length): index / length % flows
    }
  }

  /// Writes the packets for the peer: burst and count, then each packet's length and its bytes; numbers are 32 bits, in
  /// host order.
  func write(to path: String) throws(XSKError) {
    var bytes: [UInt8] = []
    let packets = try packets()
    for number in [burst, packets.count] { bytes += Self.word(number) }
    for packet in packets { bytes += Self.word(packet.count) + packet }
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw XSKError(path, refused: "can't be made", code: errno, remedy: "make room in the temporary folder")
    }
    defer { close(file) }
    var written = 0
    while written < bytes.count {
      // Inside the array: `written` is below its count.
      let step = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(file, $0.baseAddress! + written, $0.count - written)
      }
      guard step > 0 else {
        throw XSKError(path, refused: "can't be written", code: errno, remedy: "make room in the temporary folder")
      }
      written += step
    }
  }

  private static func word(_ number: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
