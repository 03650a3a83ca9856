import Glibc

/// What rtnetlink says about a device (RTM_NEWLINK, the answer to RTM_GETLINK).
struct LinkDescription: Hashable, Sendable {
  var index: CInt
  var name: String
  /// IFF_UP, IFF_RUNNING and others.
  var flags: UInt32
  var mtu: Int
  var address: [UInt8]
  /// "veth" and others; "" for hardware.
  var kind: String
  /// Queues that the device was made with: the most that it can use.
  var receiveQueues: Int
  var transmitQueues: Int
  /// The device at the other end of a veth, and its namespace's id if it lives in another one.
  var peerIndex: CInt?
  var peerNamespace: Int32?
  var program: AttachedProgram?

  private static let getLink: UInt16 = 18  // RTM_GETLINK
  private static let newLink: UInt16 = 16  // RTM_NEWLINK
  private static let bodyLength = 16  // struct ifinfomsg

  /// Attribute types (linux/if_link.h).
  private enum Attribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let link: UInt16 = 5
    static let info: UInt16 = 18
    static let infoKind: UInt16 = 1
    static let extensionMask: UInt16 = 29
    static let transmitQueues: UInt16 = 31
    static let receiveQueues: UInt16 = 32
    static let linkNamespace: UInt16 = 37
    static let xdp: UInt16 = 43
    static let targetNamespace: UInt16 = 46
  }

  /// Asks for a device by name, in the calling thread's namespace.
  static func named(_ name: String) throws(ErrorNumber) -> LinkDescription {
    var body = header(index: 0)
    body.append(attribute: Attribute.name, name)
    return try first(body)
  }

  /// Asks for a device by index, in the calling thread's namespace or in the one that has `namespace` as its id there
  /// (which needs CAP_NET_ADMIN in that one).
  static func at(index: CInt, namespace: Int32? = nil) throws(ErrorNumber) -> LinkDescription {
    var body = header(index: index)
    if let namespace { body.append(attribute: Attribute.targetNamespace, namespace) }
    return try first(body)
  }

  /// The names of all devices in the calling thread's namespace.
  static func allNames() -> [String] {
    guard var socket = try? NetlinkSocket(NetlinkSocket.route),
      let answer = try? socket.request(type: getLink, dump: true, body: header(index: 0))
    else { return [] }
    return answer.compactMap { LinkDescription($0)?.name }
  }

  private static func first(_ body: [UInt8]) throws(ErrorNumber) -> LinkDescription {
    var socket = try NetlinkSocket(NetlinkSocket.route)
    for message in try socket.request(type: getLink, body: body) {
      if let link = LinkDescription(message) { return link }
    }
    throw ErrorNumber(ENODEV)
  }

  private static func header(index: CInt) -> [UInt8] {
    var body = [UInt8]()
    body.append(native: UInt32(0))  // family, padding, device type
    body.append(native: index)
    body.append(native: UInt64(0))  // flags and change mask
    body.append(attribute: Attribute.extensionMask, UInt32(1 << 3))  // RTEXT_FILTER_SKIP_STATS
    return body
  }
}

extension LinkDescription {
  /// Parses an answer; nil if it is not about a device or lacks what every kernel sends.
  init?(_ message: NetlinkMessage) {
    guard message.type == Self.newLink, let index = message.body.native(at: 4, as: CInt.self),
      let flags = message.body.native(at: 8, as: UInt32.self)
    else { return nil }
    let attributes = NetlinkAttributes(message.body.dropFirst(Self.bodyLength))
    guard let name = attributes.text(Attribute.name) else { return nil }
    self.index = index
    self.name = name
    self.flags = flags
    mtu = Int(attributes.integer(Attribute.mtu, as: UInt32.self) ?? 0)
    address = attributes[bytes: Attribute.address].map { Array($0) } ?? []
    kind = attributes.nested(Attribute.info)?.text(Attribute.infoKind) ?? ""
    receiveQueues = Int(attributes.integer(Attribute.receiveQueues, as: UInt32.self) ?? 1)
    transmitQueues = Int(attributes.integer(Attribute.transmitQueues, as: UInt32.self) ?? 1)
    peerIndex = kind == "veth" ? attributes.integer(Attribute.link, as: CInt.self).flatMap { $0 > 0 ? $0 : nil } : nil
    peerNamespace = attributes.integer(Attribute.linkNamespace, as: Int32.self)
    program = attributes.nested(Attribute.xdp).flatMap { AttachedProgram($0) }
  }
}
