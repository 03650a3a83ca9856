import Glibc

/// What the kernel can do with queues of devices, beyond what every one can.
package enum NetdevQueues {
  /// Whether a queue can be leased to a device in another namespace (NETDEV_CMD_QUEUE_CREATE, Linux 7.1); nil: not to be told.
  package static var canLease: Bool? {
    guard let family = try? NetdevFamily.open() else { return nil }
    return family.commands.contains(16)
  }

  /// As ``NetworkDevice/boundQueues``, of a device in the calling thread's namespace, without looking up anything else.
  package static func bound(device name: String) -> Set<Int>? {
    guard let link = try? LinkDescription.named(name), link.flags & UInt32(IFF_UP) != 0,
      var family = try? NetdevFamily.open()
    else { return nil }
    return try? family.boundQueues(ifindex: link.index)
  }
}

/// The generic netlink family "netdev" (Documentation/netlink/specs/netdev.yaml), in the namespace of the calling thread.
struct NetdevFamily: ~Copyable {
  private var socket: NetlinkSocket
  private let identifier: UInt16
  /// The family's commands that this kernel has.
  let commands: Set<UInt32>

  private init(socket: consuming NetlinkSocket, identifier: UInt16, commands: Set<UInt32>) {
    self.socket = socket
    self.identifier = identifier
    self.commands = commands
  }

  /// Throws ENOENT on kernels that lack the family (before 6.3).
  static func open() throws(ErrorNumber) -> NetdevFamily {
    var socket = try NetlinkSocket(NetlinkSocket.generic)
    var body = header(command: 3)  // CTRL_CMD_GETFAMILY
    body.append(attribute: 2, "netdev")  // CTRL_ATTR_FAMILY_NAME
    let answer = try socket.request(type: 0x10, body: body)  // GENL_ID_CTRL
    guard let identifier = answer.first.flatMap({ attributes($0).integer(1, as: UInt16.self) }) else {
      throw ErrorNumber(ENOENT)
    }
    let commands = answer.reduce(into: Set<UInt32>()) { $0.formUnion(Self.commands(in: attributes($1))) }
    return NetdevFamily(socket: socket, identifier: identifier, commands: commands)
  }

  /// CTRL_ATTR_OPS is a list of nests, each with the number of a command in CTRL_ATTR_OP_ID.
  static func commands(in attributes: NetlinkAttributes) -> Set<UInt32> {
    guard let list = attributes.nested(6) else { return [] }
    return Set(list.nests.compactMap { $0.integer(1, as: UInt32.self) })
  }

  /// NETDEV_CMD_DEV_GET: what the driver says about XDP.
  mutating func capabilities(ifindex: CInt) throws(ErrorNumber) -> XDPCapabilities? {
    var body = Self.header(command: 1)
    body.append(attribute: 1, UInt32(bitPattern: ifindex))  // NETDEV_A_DEV_IFINDEX
    return try socket.request(type: identifier, body: body).lazy
      .compactMap { XDPCapabilities(Self.attributes($0)) }.first
  }

  /// NETDEV_CMD_QUEUE_GET: the RX queues that an AF_XDP socket is bound to. A device that is down reports none, and so do kernels
  /// that know queues (6.8), but not NETDEV_A_QUEUE_XSK.
  ///
  /// - Returns: nil if none may mean either.
  mutating func boundQueues(ifindex: CInt) throws(ErrorNumber) -> Set<Int>? {
    var body = Self.header(command: 10)
    body.append(attribute: 2, UInt32(bitPattern: ifindex))  // NETDEV_A_QUEUE_IFINDEX
    let bound = Self.boundQueues(in: try socket.request(type: identifier, dump: true, body: body))
    // NETDEV_CMD_BIND_TX came after the attribute, with 6.16.
    return bound.isEmpty && !commands.contains(15) ? nil : bound
  }

  static func boundQueues(in answer: [NetlinkMessage]) -> Set<Int> {
    var bound = Set<Int>()
    for attributes in answer.map({ attributes($0) }) {
      // NETDEV_A_QUEUE_TYPE 0 is RX; NETDEV_A_QUEUE_XSK is an empty nest.
      guard attributes.integer(3, as: UInt32.self) == 0, attributes.has(7) else { continue }
      if let queue = attributes.integer(1, as: UInt32.self) { bound.insert(Int(queue)) }
    }
    return bound
  }

  /// The attributes after struct genlmsghdr.
  static func attributes(_ message: NetlinkMessage) -> NetlinkAttributes {
    NetlinkAttributes(message.body.dropFirst(4))
  }

  private static func header(command: UInt8) -> [UInt8] { [command, 1, 0, 0] }
}
