/// A capture in pcapng, read strictly and by nobody whose code is under test: every length must be right, and nothing may be
/// left over. Little-endian only.
public struct PcapngFile: Sendable {
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  public struct Interface: Sendable {
    public var name = ""
    public var link: UInt16 = 0
    public var snapLength: UInt32 = 0
    /// Powers of ten.
    public var resolution: UInt8 = 6
  }

  public struct Packet: Sendable {
    public var interface = 0
    public var time: UInt64 = 0
    public var length: UInt32 = 0
    public var bytes: [UInt8] = []
    public var comments: [String] = []
    public var direction: UInt32 = 0
    public var lost: UInt64 = 0
    public var queue: UInt32?
  }

  public struct Statistics: Sendable {
    public var interface = 0
    public var accepted: UInt64 = 0
    public var lost: UInt64 = 0
    public var written: UInt64 = 0
  }

  public private(set) var application = ""
  public private(set) var interfaces: [Interface] = []
  public private(set) var packets: [Packet] = []
  public private(set) var statistics: [Statistics] = []

  public init(_ bytes: [UInt8]) throws {
    var rest = Reader(bytes[...])
    guard !bytes.isEmpty else { throw Problem(description: "no section header") }
    while !rest.bytes.isEmpty {
      let isFirst = rest.bytes.startIndex == 0
      let type = try rest.number(UInt32.self)
      let length = try rest.number(UInt32.self)
      guard length >= 12, length % 4 == 0 else { throw Problem(description: "a block of \(length) bytes") }
      var body = Reader(try rest.take(Int(length) - 12))
      guard try rest.number(UInt32.self) == length else { throw Problem(description: "two lengths of a block differ") }
      guard isFirst == (type == 0x0A0D_0D0A) else { throw Problem(description: "one section header, in front") }
      switch type {
      case 0x0A0D_0D0A: try readSection(&body)
      case 1: try readInterface(&body)
      case 5: try readStatistics(&body)
      case 6: try readPacket(&body)
      default: throw Problem(description: "a block of type \(type)")
      }
    }
  }

  private mutating func readSection(_ body: inout Reader) throws {
    guard try body.number(UInt32.self) == 0x1A2B_3C4D, try body.number(UInt16.self) == 1,
      try body.number(UInt16.self) == 0, try body.number(UInt64.self) == .max
    else { throw Problem(description: "the section header") }
    for (code, value) in try body.options() where code == 4 { application = String(decoding: value, as: UTF8.self) }
  }

  private mutating func readInterface(_ body: inout Reader) throws {
    guard packets.isEmpty, statistics.isEmpty else { throw Problem(description: "an interface behind packets") }
    var interface = Interface()
    interface.link = try body.number(UInt16.self)
    _ = try body.number(UInt16.self)
    interface.snapLength = try body.number(UInt32.self)
    for (code, value) in try body.options() {
      if code == 2 { interface.name = String(decoding: value, as: UTF8.self) }
      if code == 9, let resolution = value.first, value.count == 1 { interface.resolution = resolution }
    }
    interfaces.append(interface)
  }

  private mutating func readPacket(_ body: inout Reader) throws {
    var packet = Packet()
    packet.interface = Int(try body.number(UInt32.self))
    packet.time = UInt64(try body.number(UInt32.self)) << 32
    packet.time |= UInt64(try body.number(UInt32.self))
    let captured = try body.number(UInt32.self)
    packet.length = try body.number(UInt32.self)
    guard packet.interface < interfaces.count, captured <= packet.length else { throw Problem(description: "a packet") }
    packet.bytes = Array(try body.take(Int(captured)))
    try body.pad(Int(captured))
    for (code, value) in try body.options() {
      switch (code, value.count) {
      case (1, _): packet.comments.append(String(decoding: value, as: UTF8.self))
      case (2, 4): packet.direction = Reader.number(value)
      case (4, 8): packet.lost = Reader.number(value)
      case (6, 4): packet.queue = Reader.number(value)
      default: throw Problem(description: "option \(code) of \(value.count) bytes")
      }
    }
    packets.append(packet)
  }

  private mutating func readStatistics(_ body: inout Reader) throws {
    var found = Statistics()
    found.interface = Int(try body.number(UInt32.self))
    guard found.interface < interfaces.count else { throw Problem(description: "statistics of no interface") }
    _ = try body.number(UInt64.self)
    for (code, value) in try body.options() {
      guard value.count == 8 else { throw Problem(description: "option \(code) of \(value.count) bytes") }
      switch code {
      case 6: found.accepted = Reader.number(value)
      case 7: found.lost = Reader.number(value)
      case 8: found.written = Reader.number(value)
      default: throw Problem(description: "option \(code) of statistics")
      }
    }
    statistics.append(found)
  }

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
      guard count <= bytes.count else { throw Problem(description: "cut off") }
      defer { bytes = bytes.dropFirst(count) }
      return bytes.prefix(count)
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
      Self.number(Array(try take(Number.bitWidth / 8)))
    }

    static func number<Number: FixedWidthInteger>(_ bytes: [UInt8]) -> Number {
      bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func pad(_ count: Int) throws {
      for byte in try take((4 - count % 4) % 4) where byte != 0 { throw Problem(description: "padding of \(byte)") }
    }

    /// Up to the end, which must be marked.
    mutating func options() throws -> [(UInt16, [UInt8])] {
      var options: [(UInt16, [UInt8])] = []
      while true {
        let (code, length) = (try number(UInt16.self), try number(UInt16.self))
        guard code != 0 else {
          guard length == 0, bytes.isEmpty else { throw Problem(description: "something behind the options") }
          return options
        }
        options.append((code, Array(try take(Int(length)))))
        try pad(Int(length))
      }
    }
  }
}
