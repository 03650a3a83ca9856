import CXsk
import Glibc
import XSKEngine

/// Echo requests and their replies (RFC 792, RFC 4443), without the `ping` program.
public struct Ping: Hashable, Sendable {
  public let sent: Int
  /// Replies whose payload came back unchanged.
  public let received: Int
  /// Round-trip time of each reply, in order.
  public let roundTrips: [Duration]

  public init(sent: Int, received: Int, roundTrips: [Duration]) {
    self.sent = sent
    self.received = received
    self.roundTrips = roundTrips
  }

  public var isComplete: Bool { sent == received }

  /// Sends `count` requests from a namespace, one after the other.
  ///
  /// - Parameters:
  ///   - address: whom to ask, IPv4 or IPv6, without prefix.
  ///   - payload: bytes behind the ICMP header, 0…65,507; 1,472 fill an IPv4 packet of 1,500 bytes.
  ///   - timeout: for each reply.
  /// - Throws: `XSKError` without CAP_NET_RAW or a route. A missing reply is no error.
  public static func run(
    from namespace: NetworkNamespace, to address: String, count: Int = 3, payload: Int = 56,
    timeout: Duration = .seconds(10)
  ) throws(XSKError) -> Ping {
    let target = try IPBytes(address)
    return try namespace.onThread { () throws(XSKError) in
      let number = target.isIPv6 ? Int32(IPPROTO_ICMPV6) : Int32(IPPROTO_ICMP)
      let socket = try LabSocket(target, type: SOCK_RAW, protocolNumber: number, timeout: timeout)
      try socket.connect(target, port: 0)
      let identifier = UInt16.random(in: 1...0xffff)
      var times: [Duration] = []
      for sequence in 0..<count {
        let request = echo(target.isIPv6, identifier, UInt16(truncatingIfNeeded: sequence), payload)
        let start = ContinuousClock.now
        // send() reads exactly the array's bytes.
        guard unsafe send(socket.fd, request, request.count, 0) == request.count else {
          throw XSKError(address, refused: "no echo request sent", code: errno, remedy: "check routes and packet size")
        }
        if awaitReply(socket, to: request, target.isIPv6, until: start + timeout) { times.append(.now - start) }
      }
      return Ping(sent: count, received: times.count, roundTrips: times)
    }
  }

  /// The kernel works out ICMPv6's checksum, which covers addresses that we don't know; ICMP's is ours to make.
  private static func echo(_ isIPv6: Bool, _ identifier: UInt16, _ sequence: UInt16, _ payload: Int) -> [UInt8] {
    var bytes: [UInt8] = [isIPv6 ? 128 : 8, 0, 0, 0]
    for value in [identifier, sequence] { bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }
    bytes += (0..<payload).map { UInt8(truncatingIfNeeded: $0 &+ Int(sequence)) }
    guard !isIPv6 else { return bytes }
    let checksum = InternetChecksum.of(bytes)
    bytes[2] = UInt8(checksum >> 8)
    bytes[3] = UInt8(truncatingIfNeeded: checksum)
    return bytes
  }

  private static func awaitReply(
    _ socket: LabSocket, to request: [UInt8], _ isIPv6: Bool, until deadline: ContinuousClock.Instant
  ) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let left = deadline - .now
      guard left > .zero else { return false }
      socket.setTimeout(left)
      // recv() writes at most the buffer's size.
      let count = unsafe recv(socket.fd, &buffer, buffer.count, 0)
      guard count > 0 else { continue }
      // A raw IPv4 socket shows the IP header too.
      let message = buffer[..<count].dropFirst(isIPv6 ? 0 : Int(buffer[0] & 15) * 4)
      let isReply = message.first == (isIPv6 ? 129 : 0) && message.dropFirst(4).elementsEqual(request.dropFirst(4))
      if isReply { return true }
    }
  }
}
