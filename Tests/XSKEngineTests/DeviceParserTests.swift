import Glibc
import Testing

@testable import XSKEngine

@Suite("Answers of netlink and ethtool, from bytes")
struct DeviceParserTests {
  /// RTM_NEWLINK of a veth whose peer is number 7 in the namespace that is number 2 here, with program 41 attached.
  static let linkBody: [UInt8] = {
    var xdp = [UInt8]()
    xdp.append(attribute: 2, UInt8(1))  // IFLA_XDP_ATTACHED: native
    xdp.append(attribute: 4, UInt32(41))  // IFLA_XDP_PROG_ID
    xdp.append(attribute: 5, UInt32(41))
    var info = [UInt8]()
    info.append(attribute: 1, "veth")
    var body = [UInt8]()
    body.append(native: UInt32(0))
    body.append(native: CInt(12))
    body.append(native: UInt32(IFF_UP | IFF_RUNNING))
    body.append(native: UInt32(0))
    body.append(attribute: 3, "blue0")
    body.append(attribute: 4, UInt32(9000))
    body.append(attribute: 5, CInt(7))
    body.append(attribute: 1, nested: [2, 0, 0, 0, 0xab, 1])
    body.append(attribute: 31, UInt32(2))
    body.append(attribute: 32, UInt32(4))
    body.append(attribute: 37, Int32(2))
    body.append(attribute: 0x8000 | 18, nested: info)  // NLA_F_NESTED
    body.append(attribute: 43, nested: xdp)
    return body
  }()

  static func message(_ type: UInt16, _ body: [UInt8]) -> NetlinkMessage {
    NetlinkMessage(type: type, sequence: 1, body: body[...])
  }

  @Test func `a link answer gives name, numbers, address, kind, peer and program`() throws {
    let link = try #require(LinkDescription(Self.message(16, Self.linkBody)))
    #expect(link.index == 12 && link.name == "blue0" && link.mtu == 9000)
    #expect(link.address == [2, 0, 0, 0, 0xab, 1])
    #expect(link.kind == "veth" && link.receiveQueues == 4 && link.transmitQueues == 2)
    #expect(link.peerIndex == 7 && link.peerNamespace == 2)
    #expect(link.program == AttachedProgram(id: 41, place: .native, name: nil))
  }

  @Test func `another message type is no link`() {
    #expect(LinkDescription(Self.message(20, Self.linkBody)) == nil)
  }

  @Test func `an answer cut anywhere is parsed as far as it goes`() {
    for length in 0..<Self.linkBody.count {
      let link = LinkDescription(Self.message(16, Array(Self.linkBody[..<length])))
      // The name is complete after 16 bytes of header, the mask's 0, and 4 + 6 bytes of attribute.
      #expect((link != nil) == (length >= 26), "\(length)")
      #expect(link?.program == nil)
    }
  }

  @Test func `attributes with impossible lengths end the list`() {
    for length: UInt16 in [0, 3, 9, 65_535] {
      var bytes = [UInt8]()
      bytes.append(attribute: 1, UInt32(5))
      bytes.append(native: length)
      bytes.append(native: UInt16(2))
      bytes.append(native: UInt32(6))
      let attributes = NetlinkAttributes(bytes[...])
      #expect(attributes.integer(1, as: UInt32.self) == 5)
      #expect(!attributes.has(2), "\(length)")
    }
  }

  @Test func `a datagram of several messages is taken apart, and its cut tail left out`() {
    let one = NetlinkMessage.request(type: 16, flags: 0, sequence: 3, body: [1, 2, 3, 4])
    let end = NetlinkMessage.request(type: 2, flags: 0, sequence: 3, body: [0xed, 0xff, 0xff, 0xff])
    let messages = NetlinkMessage.parse((one + end + one.dropLast())[...])
    #expect(messages.map(\.type) == [16, 2])
    #expect(Array(messages[0].body) == [1, 2, 3, 4])
    #expect(messages[1].errorNumber == ENODEV)
  }

  @Test(arguments: [(UInt8(1), AttachedProgram.Place.native), (2, .generic), (3, .hardware), (4, .several)])
  func `the place of a program`(attached: UInt8, place: AttachedProgram.Place) {
    var bytes = [UInt8]()
    bytes.append(attribute: 2, attached)
    bytes.append(attribute: 6, UInt32(9))
    #expect(AttachedProgram(NetlinkAttributes(bytes[...]))?.place == place)
    #expect(AttachedProgram(NetlinkAttributes(bytes[...]))?.id == 9)
  }

  @Test func `no program is attached when the kernel says none`() {
    var bytes = [UInt8]()
    bytes.append(attribute: 2, UInt8(0))
    #expect(AttachedProgram(NetlinkAttributes(bytes[...])) == nil)
  }

  @Test func `the netdev family's features, segments and bound queues`() throws {
    var features = [UInt8]()
    features.append(attribute: 3, UInt64(0b101011))
    features.append(attribute: 4, UInt32(17))
    features.append(attribute: 5, UInt64(0b011))
    let xdp = try #require(XDPCapabilities(NetlinkAttributes(features[...])))
    #expect(xdp.features == [.basic, .redirect, .zeroCopy, .receiveFragments] && xdp.zeroCopySegments == 17)
    #expect(xdp.features.names == ["basic", "redirect", "xsk-zerocopy", "rx-sg"])
    #expect(xdp.receiveMetadata == [.timestamp, .hash])
    #expect(XDPCapabilities(NetlinkAttributes([])) == nil)

    // Queue 0 RX free, queue 1 RX bound, queue 2 TX bound.
    let answer = [(0, 0, false), (1, 0, true), (2, 1, true)].map { queue, type, isBound in
      var body: [UInt8] = [10, 1, 0, 0]
      body.append(attribute: 1, UInt32(queue))
      body.append(attribute: 3, UInt32(type))
      if isBound { body.append(attribute: 7, nested: []) }
      return Self.message(30, body)
    }
    #expect(NetdevFamily.boundQueues(in: answer) == [1])
  }

  @Test func `the netdev family's commands are told by their numbers`() {
    // CTRL_ATTR_OPS: nests, numbered from 1, of CTRL_ATTR_OP_ID and CTRL_ATTR_OP_FLAGS.
    var list = [UInt8]()
    for (place, command) in [1, 5, 16].enumerated() {
      var nest = [UInt8]()
      nest.append(attribute: 1, UInt32(command))
      nest.append(attribute: 2, UInt32(0xe))
      list.append(attribute: UInt16(place + 1), nested: nest)
    }
    var answer = [UInt8]()
    answer.append(attribute: 6, nested: list)
    #expect(NetdevFamily.commands(in: NetlinkAttributes(answer[...])) == [1, 5, 16])
    #expect(NetdevFamily.commands(in: NetlinkAttributes([])) == [])
  }

  @Test func `offload words are read bit by bit, past the first 32`() {
    let names = (0..<40).map { "feature-\($0)" }
    var answer = [UInt8]()
    // Two blocks of {available, requested, active, never changed}.
    for word: UInt32 in [58, 2, 0b0111, 0, 0b0011, 0b0010, 0b1000_0000, 0, 0b1000_0000, 0] {
      answer.append(native: word)
    }
    let offloads = Offloads(names: names, answer: answer[...])
    #expect(offloads.states["feature-0"] == .init(isOn: true, isFixed: false))
    #expect(offloads.states["feature-1"] == .init(isOn: true, isFixed: true))
    #expect(offloads.states["feature-2"] == .init(isOn: false, isFixed: false))
    #expect(offloads.states["feature-3"] == .init(isOn: false, isFixed: true))
    #expect(offloads.states["feature-39"] == .init(isOn: true, isFixed: false))
    #expect(Offloads(names: names, answer: []).states["feature-39"] == .init(isOn: false, isFixed: true))
  }

  @Test func `channel counts, and none from an answer that is cut`() throws {
    var answer = [UInt8]()
    for word: UInt32 in [60, 8, 9, 1, 16, 2, 3, 1, 4] { answer.append(native: word) }
    let channels = try #require(Channels(answer[...]))
    #expect([channels.maximumReceive, channels.maximumTransmit, channels.maximumCombined] == [8, 9, 16])
    #expect([channels.receive, channels.transmit, channels.combined] == [2, 3, 4])
    #expect(Channels(answer.dropLast()) == nil)
  }

  @Test(arguments: [
    ("0-3,8", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("3-1", []), ("x,2", [2]), ("0-99999999", []),
  ])
  func `CPU lists`(text: String, cpus: [Int]) {
    #expect(SmallFile.list(text) == cpus)
  }
}

extension [UInt8] {
  fileprivate mutating func append(attribute type: UInt16, nested bytes: [UInt8]) {
    append(native: UInt16(4 + bytes.count))
    append(native: type)
    append(contentsOf: bytes)
    pad()
  }
}
