@testable import KernelRoutes

/// A message's body being put together: the fixed part, then attributes, some with others in them.
struct SampleBody: Sendable {
  var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func number<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
  }

  /// struct rtmsg.
  static func route(
    family: UInt8 = 2, length: UInt8, sourceLength: UInt8 = 0, tos: UInt8 = 0, table: UInt8 = 254, type: UInt8 = 1,
    flags: UInt32 = 0
  ) -> SampleBody {
    SampleBody([family, length, sourceLength, tos, table, 3, 0, type] + number(flags))
  }

  func with(_ type: UInt16, _ value: [UInt8]) -> SampleBody {
    var body = self
    body.bytes += Self.number(UInt16(4 + value.count)) + Self.number(type) + value
    while body.bytes.count % 4 != 0 { body.bytes.append(0) }
    return body
  }

  func with(_ type: UInt16, _ value: UInt32) -> SampleBody { with(type, Self.number(value)) }

  /// struct rtnexthop with attributes.
  static func path(_ device: Int32, _ attributes: SampleBody = SampleBody([])) -> [UInt8] {
    number(UInt16(8 + attributes.bytes.count)) + [0, 0] + number(device) + attributes.bytes
  }

  /// The whole message.
  func message(_ type: UInt16, flags: UInt16 = 0) -> [UInt8] {
    Self.number(UInt32(16 + bytes.count)) + Self.number(type) + Self.number(flags)
      + Self.number(UInt32(1)) + Self.number(UInt32(0)) + bytes
  }
}

/// One of everything, as the kernel sends it.
struct SampleMessage: Sendable, CustomStringConvertible {
  let description: String
  let type: UInt16
  let body: SampleBody

  static let ipv6 = [UInt8](0x20...0x2F)

  static let all = [
    SampleMessage(
      description: "link", type: 16,
      body: SampleBody([0, 0, 1, 0] + SampleBody.number(Int32(7)) + SampleBody.number(UInt32(0x41)) + [0, 0, 0, 0])
        .with(3, Array("v7".utf8) + [0]).with(1, [2, 0, 0, 0, 0, 1]).with(4, 1500).with(5, 3)
        .with(
          18,
          SampleBody([]).with(1, Array("vlan".utf8) + [0])
            .with(2, SampleBody([]).with(1, SampleBody.number(UInt16(100))).with(5, [0x81, 0]).bytes).bytes)),
    SampleMessage(
      description: "address", type: 20,
      body: SampleBody([2, 24, 0x80, 0] + SampleBody.number(Int32(7))).with(1, [10, 0, 0, 1]).with(2, [10, 0, 0, 1])
        .with(8, 0x80)),
    SampleMessage(
      description: "neighbour", type: 28,
      body: SampleBody([10, 0, 0, 0] + SampleBody.number(Int32(7)) + SampleBody.number(UInt16(2)) + [0, 1])
        .with(1, ipv6).with(2, [2, 0, 0, 0, 0, 1])),
    SampleMessage(
      description: "nexthop", type: 104,
      body: SampleBody([2, 0, 0, 0, 0, 0, 0, 0]).with(1, 9).with(5, 7).with(6, [10, 0, 0, 2])),
    SampleMessage(
      description: "group", type: 104,
      body: SampleBody([0, 0, 0, 0, 0, 0, 0, 0]).with(1, 10)
        .with(2, SampleBody.number(UInt64(9)) + SampleBody.number(UInt64(8)))),
    SampleMessage(
      description: "route", type: 24,
      body: SampleBody.route(length: 16).with(15, 254).with(1, [10, 5, 0, 0]).with(6, 20).with(5, [10, 0, 0, 2])
        .with(4, 7).with(8, SampleBody([]).with(2, 1300).bytes)),
    SampleMessage(
      description: "route by IPv6", type: 24,
      body: SampleBody.route(length: 0).with(18, SampleBody.number(UInt16(10)) + ipv6).with(4, 7)),
    SampleMessage(
      description: "paths", type: 24,
      body: SampleBody.route(family: 10, length: 48).with(1, ipv6)
        .with(
          9,
          SampleBody.path(7, SampleBody([]).with(5, ipv6)) + SampleBody.path(8)
            + SampleBody.path(9, SampleBody([]).with(22, [1, 2, 3, 4])))),
    SampleMessage(
      description: "route by an object", type: 24,
      body: SampleBody.route(length: 8).with(1, [10, 0, 0, 0]).with(30, 9).with(4, 7)),
  ]
}
