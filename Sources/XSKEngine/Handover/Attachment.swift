import CXsk
import Glibc
import Synchronization

/// A container's interface whose AF_XDP sockets another process hands over: xskd, through the socket `afxdp.sock` that is
/// mounted into the container. It takes no capability and no locked memory. Or queues of a physical device, which is not in
/// the container.
///
///     let queue = try AdoptedQueue.connect(path: "/run/xskd/afxdp.sock")
///
/// or, with workers, counters and everything else:
///
///     let engine = try Engine.start(EngineConfiguration(ports: [PortConfiguration(attachment: "/run/xskd/afxdp.sock")])) { … }
///
/// Each question is a connection of its own, so the daemon may be restarted at any time.
public final class Attachment: Sendable {
  /// The interface as the daemon set it up.
  public struct Interface: Hashable, Sendable {
    /// Its name in the container; of physical queues the attachment's, by which no interface is there.
    public let name: String
    /// Bytes of an IP packet.
    public let mtu: Int
    /// Its MAC address, as in `02:00:00:00:00:01`.
    public let address: String
    /// The MAC address of the gateway, which every packet goes to; nil with physical queues: their network has neighbours.
    public let gateway: String?
    /// It is no interface in the container, but queues of a physical device, which others have queues of, too. What it sends
    /// passes no policy.
    public let isPhysical: Bool
    /// The VLAN that it is bridged to; nil: it is routed.
    public let vlan: Int?
    /// Its IP addresses with prefix length. What comes from others is dropped, but for physical queues.
    public internal(set) var addresses: [String]
    /// Of physical queues: how their device was when the daemon was asked; nil: it didn't tell, or the interface is here.
    public internal(set) var link: Link?
  }

  /// A device in another namespace.
  public enum Link: String, Hashable, Sendable {
    /// Switched on, and there is carrier.
    case up
    case down
    /// There is no such device.
    case gone
  }

  /// What the daemon grants.
  public struct Quota: Hashable, Sendable {
    /// Sockets: queues 0 ..< this.
    public let sockets: Int
    /// Frames and bytes of the UMEM of each.
    public let frames: Int
    public let umemBytes: Int
  }

  public let path: String
  public let interface: Interface
  public let quota: Quota
  /// The attachment's XSKMAP; −1: not to be had. Where a kernel, or a container's seccomp profile, lets nobody without
  /// privileges change a map the worker goes on without: the daemon puts its sockets in.
  private let socketMap = Mutex<CInt>(-1)
  private let directory: Mutex<AttachmentDirectory>

  /// Asks the daemon about the attachment.
  ///
  /// - Parameter path: the socket, `…/afxdp.sock`.
  /// - Throws: nobody there, not this process's attachment, or a daemon of another version.
  public init(path: String) throws(XSKError) {
    self.path = path
    // Before anything is asked: what is handed over is of this attachment, or of a later one.
    directory = Mutex(AttachmentDirectory(of: path))
    let call = try HandoverCall(path: path)
    interface = try Self.interface(call, path)
    quota = try Self.quota(call.ask("/xsk_quota").words, path)
    takeMap(call)
  }

  private static func interface(_ call: HandoverCall, _ path: String) throws(XSKError) -> Interface {
    var (interface, count) = try Self.interface(call.ask("/xsk_device").words, path)
    for number in 0..<count {
      let words = try call.ask("/xsk_address,\(number)").words
      if words.count == 2 { interface.addresses.append(String(words[1])) }
    }
    return interface
  }

  /// A physical device, as the daemon tells of it now: nobody can look it up here.
  func physicalDevice() throws(XSKError) -> (device: NetworkDevice, link: Link?) {
    let now = try Self.interface(try HandoverCall(path: path), path)
    let device = NetworkDevice.elsewhere(now.name, mtu: now.mtu, address: now.address, queues: quota.sockets)
    return (device, now.link)
  }

  /// How a physical device is, as the daemon tells.
  ///
  /// - Parameter patience: milliseconds to wait for the answer.
  /// - Returns: nil: there was none in this time, or the daemon does not tell.
  func physicalLink(patience: CInt) -> Link? {
    guard let call = try? HandoverCall(path: path, patience: patience),
      let words = try? call.ask("/xsk_device").words
    else { return nil }
    return (try? Self.interface(words, path))?.0.link
  }

  /// Whether the attachment has ended: the container was detached. Whoever holds a socket on a physical queue gets no packets by
  /// it any more, and should close it: the kernel gives no sign, and nobody else gets the queue until then. An interface's
  /// sockets fail (ENETDOWN), as it went.
  ///
  /// A system call; no daemon need run. Another attachment in the same place is another: ask for it with a new object.
  public var isOver: Bool { directory.withLock { $0.isRemoved } }

  /// Whether its end would be seen, and has not been.
  var isFollowed: Bool { directory.withLock { $0.isThere } }

  /// Takes up whatever attachment is in this place now.
  func takeUpAgain() {
    let now = AttachmentDirectory(of: path)
    directory.withLock { $0 = now }
  }

  deinit { replaceMap(-1) }

  private func takeMap(_ call: HandoverCall) {
    // Others have queues of the device, so nobody gets its map.
    guard !interface.isPhysical else { return }
    guard let answer = try? call.ask("/xsk_map_fd,\(interface.name)") else { return replaceMap(-1) }
    for extra in answer.descriptors.dropFirst() { close(extra) }
    replaceMap(answer.descriptors.first ?? -1)
  }

  private func replaceMap(_ map: CInt) {
    let old = socketMap.withLock { current in
      defer { current = map }
      return current
    }
    if old >= 0 { close(old) }
  }

  /// Asks for the map again: an attachment that was made anew has another.
  func refresh() {
    if let call = try? HandoverCall(path: path) { takeMap(call) }
  }

  private static func strange(_ path: String) -> XSKError {
    XSKError(path, "an answer that is none", remedy: "use the same version of xskd and of this")
  }

  /// Words `KEY=VALUE`, by key.
  private static func values(_ words: some Sequence<Substring>) -> [Substring: Substring] {
    var values: [Substring: Substring] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    return values
  }

  private static func interface(_ words: [Substring], _ path: String) throws(XSKError) -> (Interface, addresses: Int) {
    let values = values(words.dropFirst(2))
    let isPhysical = values["tier"] == "physical-queue"
    guard words.count > 2, let mtu = values["mtu"].flatMap(HandoverRequest.number), let address = values["mac"],
      isPhysical || values["gw"] != nil, let count = values["addresses"].flatMap(HandoverRequest.number), count <= 64
    else { throw strange(path) }
    let interface = Interface(
      name: String(words[1]), mtu: mtu, address: String(address), gateway: values["gw"].map(String.init),
      isPhysical: isPhysical, vlan: values["vlan"].flatMap(HandoverRequest.number), addresses: [],
      link: values["link"].flatMap { Link(rawValue: String($0)) })
    return (interface, count)
  }

  private static func quota(_ words: [Substring], _ path: String) throws(XSKError) -> Quota {
    let values = values(words.dropFirst())
    guard let sockets = values["sockets"].flatMap(HandoverRequest.number),
      let frames = values["frames"].flatMap(HandoverRequest.number), let bytes = values["bytes"].flatMap({ Int($0) })
    else { throw strange(path) }
    return Quota(sockets: sockets, frames: frames, umemBytes: bytes)
  }

  /// Asks for a socket on a queue, over memory of this process's own: its pages are charged to this process's cgroup.
  ///
  /// - Parameters:
  ///   - request: what the socket is to be like; its `umem` is the memory's.
  ///   - umem: of sealed memory (`UMEMConfiguration.Pages.sealedMemfd`). Several sockets may be over the same.
  /// - Throws: over the quota, the queue in use, a kernel that has no way for it.
  public func queue(_ request: HandoverRequest, over umem: UMEM) throws(XSKError) -> AdoptedQueue {
    var request = request
    request.umem = umem.configuration
    try request.validate()
    guard umem.memoryFile >= 0 else {
      throw XSKError("UMEM for \(path)", "not of sealed memory", remedy: "make it with pages: .sealedMemfd")
    }
    let call = try HandoverCall(path: path)
    let answer = try call.ask(request.message, descriptors: [umem.memoryFile])
    // The daemon knows which of both comes first on this kernel.
    let isUnbound = answer.words.contains("map=1")
    guard answer.descriptors.count == 1, isUnbound || Self.isBound(answer) else {
      for descriptor in answer.descriptors { close(descriptor) }
      throw Self.strange(path)
    }
    let name = "\(interface.name) queue \(request.queue)"
    let socket = try XSKSocket(adopting: answer.descriptors[0], name: name, rings: request.rings)
    if isUnbound { try bind(by: call) }
    return AdoptedQueue(
      socket: socket, umem: umem, framesWithKernel: request.given, maximumLength: interface.mtu + 14 + 8,
      attachment: self)
  }

  /// The rings are mapped: has the daemon bind the socket that it has just handed over.
  private func bind(by call: HandoverCall) throws(XSKError) {
    let answer = try call.ask("/xsk_mapped")
    for descriptor in answer.descriptors { close(descriptor) }
    guard Self.isBound(answer) else { throw Self.strange(path) }
  }

  private static func isBound(_ answer: HandoverCall.Answer) -> Bool {
    answer.words.contains("zc=0") || answer.words.contains("zc=1")
  }

  /// Asks for busy polling, which takes a capability to set.
  func busyPoll(_ socket: XSKSocket, microseconds: Int, budget: Int) throws(XSKError) {
    _ = try HandoverCall(path: path).ask(
      "/config_busy_poll,\(microseconds),\(min(budget, 64))", descriptors: [socket.descriptor])
  }

  /// Redirects a queue's packets to a socket of it.
  ///
  /// - Throws: the kernel's refusal. Where there is no map, nothing is done: the daemon has put the socket in.
  func insert(socket: CInt, queue: Int) throws(XSKError) {
    let code = socketMap.withLock { $0 < 0 ? 0 : cxsk_map_set($0, UInt32(queue), UInt32(socket)) }
    // Container runtimes forbid bpf(2) to whoever has no CAP_BPF (seccomp). The daemon has put the socket in already.
    if code == -EPERM { return replaceMap(-1) }
    guard code == 0 else {
      throw XSKError(
        "\(interface.name) queue \(queue)", refused: "cannot be redirected to its socket", code: code,
        remedy: "start again")
    }
  }

  /// Redirects packets of a queue no more: they go to the container's stack.
  func remove(queue: Int) {
    socketMap.withLock { if $0 >= 0 { _ = cxsk_map_delete($0, UInt32(queue)) } }
  }
}

extension AdoptedQueue {
  /// Asks xskd for a queue of a container's interface, over memory of this process's own.
  ///
  /// - Parameters:
  ///   - path: the attachment's socket, `…/afxdp.sock`.
  ///   - request: what it is to be like; its UMEM is made here.
  /// - Throws: whatever stands in the way, in words; nothing is left behind.
  public static func connect(
    path: String, _ request: HandoverRequest = HandoverRequest()
  ) throws(XSKError) -> AdoptedQueue {
    let attachment = try Attachment(path: path)
    var memory = request.umem
    memory.pages = .sealedMemfd
    return try attachment.queue(request, over: UMEM(memory))
  }
}
