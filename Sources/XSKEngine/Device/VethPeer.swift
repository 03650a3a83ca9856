/// The other end of a veth pair, as far as it can be seen from this one.
public struct VethPeer: Hashable, Sendable {
  /// Its index and name in its own namespace.
  public internal(set) var index: CInt
  /// nil if this process may not ask.
  public internal(set) var name: String?
  /// A file of the namespace that it lives in; nil if that is the calling thread's, or was not found.
  public internal(set) var namespacePath: String?
  public internal(set) var isInOtherNamespace: Bool
  public internal(set) var mtu: Int?
  /// Queues in use; the number that it was made with where only that is visible. nil: unknown.
  public internal(set) var receiveQueues: Int?
  public internal(set) var transmitQueues: Int?
  /// nil: unknown.
  public internal(set) var offloads: Offloads?

  /// What to put before a command line so that it runs in the peer's namespace, with a space at its end; "" if it is this
  /// one.
  public var commandPrefix: String {
    guard isInOtherNamespace else { return "" }
    let path = namespacePath ?? "/run/netns/NAMESPACE"
    let named = "/run/netns/"
    return path.hasPrefix(named) ? "ip netns exec \(path.dropFirst(named.count)) " : "nsenter --net=\(path) "
  }
}

extension VethPeer {
  /// Looks for the peer of `link`; nil if `link` is no veth.
  init?(of link: LinkDescription) {
    guard let index = link.peerIndex else { return nil }
    self.index = index
    isInOtherNamespace = link.peerNamespace != nil
    // Through netlink the peer is visible in any namespace that this process has CAP_NET_ADMIN in.
    guard let peer = try? LinkDescription.at(index: index, namespace: link.peerNamespace) else { return }
    name = peer.name
    mtu = peer.mtu
    receiveQueues = peer.receiveQueues
    transmitQueues = peer.transmitQueues
    // Queues in use and offloads are only told inside the peer's namespace.
    let peerName = peer.name
    let details: Details?
    if let namespace = link.peerNamespace {
      namespacePath = NamespaceSearch.path(of: namespace)
      details = namespacePath.flatMap { path in SystemThread.run(inNamespace: path) { Details(peerName) } }
    } else {
      details = Details(peerName)
    }
    guard let details else { return }
    offloads = details.offloads
    receiveQueues = details.receiveQueues
    transmitQueues = details.transmitQueues
  }

  private struct Details: Sendable {
    let offloads: Offloads
    let receiveQueues: Int
    let transmitQueues: Int

    init?(_ name: String) {
      let ethtool = Ethtool(device: name)
      guard let channels = try? ethtool.channels(), let offloads = try? ethtool.offloads() else { return nil }
      self.offloads = offloads
      receiveQueues = channels.receive + channels.combined
      transmitQueues = channels.transmit + channels.combined
    }
  }
}
