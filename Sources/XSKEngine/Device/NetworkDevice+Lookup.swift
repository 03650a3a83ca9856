import Glibc

extension NetworkDevice {
  /// Looks a device up by name in the calling thread's network namespace.
  ///
  /// Needs no privileges; without them the attached program's name and some of a veth's peer stay unknown.
  ///
  /// - Throws: if there is no such device (the error lists those that there are), or the kernel can't be asked.
  public init(named name: String) throws(XSKError) { try self.init(named: name, looksFar: true) }

  /// As `init(named:)`. Of a veth's other end, offloads and the driver's XDP abilities only whoever `looksFar` learns: for that
  /// namespaces are searched and entered, which takes longer than all that binding a socket needs to know.
  package init(named name: String, looksFar: Bool) throws(XSKError) {
    // IFNAMSIZ: 16 bytes with the terminating zero.
    guard (1...15).contains(name.utf8.count), !name.utf8.contains(0) else { throw Self.unknown(name) }
    let link: LinkDescription
    do {
      link = try LinkDescription.named(name)
    } catch {
      guard error.code == ENODEV else {
        throw XSKError(name, refused: "cannot be looked up", code: error.code, remedy: "allow netlink sockets")
      }
      throw Self.unknown(name)
    }
    self.init(link, looksFar)
  }

  /// Looks up what netlink has not told yet. A question that the driver refuses leaves its fact unknown.
  private init(_ link: LinkDescription, _ looksFar: Bool) {
    let ethtool = Ethtool(device: link.name)
    let driver = try? ethtool.driver()
    self.init(
      name: link.name, index: link.index, mtu: link.mtu, hardwareAddress: link.address,
      isUp: link.flags & UInt32(IFF_UP) != 0, isRunning: link.flags & UInt32(IFF_RUNNING) != 0,
      driver: driver?.name ?? link.kind,
      busAddress: driver?.bus.contains(":") == true ? driver?.bus : nil,
      queues: Self.queues(link, try? ethtool.channels()), rings: nil, numaNode: -1,
      offloads: Offloads([:]), xdp: nil, program: link.program, boundQueues: nil, peer: nil)
    guard looksFar else { return }
    if let offloads = try? ethtool.offloads() { self.offloads = offloads }
    peer = VethPeer(of: link)
    if let rings = try? ethtool.rings(), rings.receive > 0 {
      self.rings = Rings(receive: rings.receive, transmit: rings.transmit)
    }
    // The bus's part of sysfs is the same in every namespace.
    if let busAddress, let node = SmallFile.integer("/sys/bus/pci/devices/\(busAddress)/numa_node") { numaNode = node }
    lookAtXDP()
    program?.findName()
  }

  /// Asks the kernel what the driver can do with XDP, and which queues AF_XDP sockets are bound to now.
  package mutating func lookAtXDP() {
    guard var netdev = try? NetdevFamily.open() else { return }
    xdp = try? netdev.capabilities(ifindex: index)
    // Of a device that is down nothing is told.
    boundQueues = isUp ? try? netdev.boundQueues(ifindex: index) : nil
  }

  private static func queues(_ link: LinkDescription, _ channels: Channels?) -> Queues {
    guard let channels, channels.receive + channels.combined > 0 else {
      return Queues(receive: max(1, link.receiveQueues), transmit: max(1, link.transmitQueues))
    }
    return Queues(
      receive: channels.receive + channels.combined, transmit: max(1, channels.transmit + channels.combined),
      combined: channels.combined, maximumReceive: channels.maximumReceive + channels.maximumCombined,
      maximumTransmit: channels.maximumTransmit + channels.maximumCombined)
  }

  private static func unknown(_ name: String) -> XSKError {
    let names = LinkDescription.allNames().sorted()
    let remedy = names.isEmpty ? "create one first" : "choose one of \(names.joined(separator: ", "))"
    return XSKError(name, "no such interface", remedy: remedy, code: ENODEV)
  }

  /// Checks that a socket can be bound to this queue.
  ///
  /// - Throws: if the device has no such RX queue.
  public func requireQueue(_ queue: Int) throws(XSKError) {
    if let error = queueError(queue) { throw error }
  }

  func queueError(_ queue: Int) -> XSKError? {
    guard !(0..<queues.receive).contains(queue) else { return nil }
    let range = queues.receive == 1 ? "queue 0" : "queues 0 to \(queues.receive - 1)"
    let more =
      queues.maximumReceive > queues.receive
      ? ", or add queues: ethtool -L \(name) \(queues.combined > 0 ? "combined" : "rx") \(queues.maximumReceive)" : ""
    return XSKError("\(name) queue \(queue)", "out of range (it has \(range))", remedy: "choose \(range)\(more)")
  }

  /// Switches a group of offloads, as `ethtool -K` does; takes effect at once and stays. Needs CAP_NET_ADMIN.
  ///
  /// Features that the driver has fixed stay as they are: look the device up again to see what came of it.
  ///
  /// - Throws: the kernel's refusal.
  public func setOffloads(_ group: Offloads.Group, on: Bool) throws(XSKError) {
    do {
      try Ethtool(device: name).setFeatures(group.features, on: on)
    } catch {
      throw XSKError(
        "\(name) offload \(group.rawValue)", refused: "cannot be switched \(on ? "on" : "off")", code: error.code,
        remedy: error.code == EPERM ? "run as root, or grant CAP_NET_ADMIN" : "see: ethtool -k \(name)")
    }
  }
}
