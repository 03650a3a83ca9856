import Glibc
import Operations
import Synchronization
import XSKEngine

/// A physical device whose queues tenants have, with the one program that hands each queue's packets to its tenant's socket.
///
/// A queue without a socket is the host's stack's. The XSKMAP never leaves this process: whoever has it could redirect the
/// queues of others. Program and map are pinned, so that tenants' traffic goes on when this process ends, and the next one finds
/// them.
///
/// Thread-safe. It is used by threads that are in the device's network namespace.
final class QueueDevice: Sendable {
  private struct State {
    /// What is on the device.
    var program: PinnedProgram?
    /// What was on this device, and has been taken off by others: tenants' sockets are in its map.
    var earlier: PinnedProgram?
    /// It was seen to be gone, or to be another: what is pinned is of no use for it.
    var isAnother = false
    /// Queues whose sockets went with a device of this name, and that have got no other since.
    var lost: Set<Int> = []
    /// As it was when it was looked at last; nil: it isn't there.
    var device: NetworkDevice?
    var obstacle: XSKError?
  }

  let name: String
  let folder: String
  private let state = Mutex(State())
  /// Seconds that queues are waited for altogether. The kernel lets go of one a moment after its socket was closed.
  private static let patience = 0.3

  init(_ name: String, bpfDirectory: String) {
    self.name = name
    folder = Self.folder(of: name, in: bpfDirectory)
  }

  /// The program and the map are an earlier process's.
  var isResumed: Bool { state.withLock { $0.program?.isResumed ?? false } }

  /// What keeps its queues from being given to anybody.
  var obstacle: XSKError? { state.withLock { $0.obstacle } }

  /// Queues whose sockets went with the device as it was made anew, or went away and came back, and whose processes have asked
  /// for no others since.
  var lost: Set<Int> { state.withLock { $0.lost } }

  /// Sees whether the device is there and has the program, and puts it there if it can be. Some system calls if all is well.
  ///
  /// - Parameter owned: queues that tenants have. What an earlier process left in the map for others is taken out.
  /// - Returns: a line for the log if something is otherwise than at the last look.
  func look(owned: Set<Int>) -> String? {
    state.withLock { state in
      let before = state.obstacle
      var change: String?
      do throws(XSKError) {
        let device = try NetworkDevice(named: name, looksFar: false)
        state.device = device
        if state.program?.ifindex != device.index || device.program?.id != state.program?.identifier {
          change = try takeUp(device, &state, owned)
        }
        state.obstacle =
          device.isUp
          ? nil : XSKError(name, "is down", remedy: "bring it up: ip link set dev \(name) up", code: ENETDOWN)
      } catch {
        state.obstacle = error
        if error.code == ENODEV {
          state = State(isAnother: true, lost: lostSockets(state, owned), obstacle: error)
        }
      }
      if let obstacle = state.obstacle { return obstacle == before ? nil : "queues of \(obstacle)" }
      guard before != nil || change != nil, let program = state.program else { return nil }
      return "queues of \(name): \(program.mode.rawValue) XDP\(change ?? "")"
    }
  }

  /// Has the program on a device that is without it.
  ///
  /// - Returns: what is to be said of it.
  private func takeUp(
    _ device: NetworkDevice, _ state: inout State, _ owned: Set<Int>
  ) throws(XSKError) -> String {
    if let last = state.program ?? state.earlier {
      let isSame = last.ifindex == device.index
      if !isSame { state.lost = lostSockets(state, owned) }
      (state.program, state.earlier, state.isAnother) = (nil, isSame ? last : nil, !isSame)
    } else if !state.isAnother {
      // At the first look nobody knows whether it is the device that it was: sockets that are bound nowhere tell.
      state.lost = deadSockets(on: device, owned)
      state.isAnother = !state.lost.isEmpty
    }
    let isAnew = state.isAnother
    let program = try program(on: device, state)
    // A socket without its device drops what is redirected to it.
    for queue in 0..<program.queues where !owned.contains(queue) || state.lost.contains(queue) {
      program.remove(queue: queue)
    }
    (state.program, state.earlier, state.isAnother) = (program, nil, false)
    guard !isAnew || state.lost.isEmpty else {
      let queues = state.lost.sorted().map { "\($0)" }.joined(separator: ", ")
      return ", anew: sockets on queue(s) \(queues) are lost; packets go to the host until containers ask for others"
    }
    if program.isResumed { return ", as it was" }
    if program.keepsSockets { return ": it had been taken off; its sockets get packets again" }
    return owned.isEmpty ? "" : ", anew: its containers get packets again when they ask for sockets again"
  }

  /// Queues whose sockets are held still, though the device that they were bound to is gone.
  private func lostSockets(_ state: borrowing State, _ owned: Set<Int>) -> Set<Int> {
    if let last = state.program ?? state.earlier {
      return state.lost.union(last.queuesWithSockets(among: owned.subtracting(state.lost)))
    }
    // Later looks find nothing new: who has no device gets no socket.
    return state.isAnother ? state.lost : PinnedProgram.queuesWithSockets(in: folder, among: owned)
  }

  /// Queues that an earlier process's map has sockets for which aren't bound to the device.
  private func deadSockets(on device: NetworkDevice, _ owned: Set<Int>) -> Set<Int> {
    var device = device
    device.lookAtXDP()
    let unbound = owned.filter { queue in
      guard let bound = device.boundQueues else { return (try? isBindable(queue, of: device)) == true }
      return !bound.contains(queue)
    }
    return PinnedProgram.queuesWithSockets(in: folder, among: unbound)
  }

  private func program(on device: NetworkDevice, _ state: borrowing State) throws(XSKError) -> PinnedProgram {
    if let program = PinnedProgram.resume(in: folder, device: device) { return program }
    let pinned = state.earlier == nil && !state.isAnother ? PinnedProgram.map(in: folder, of: device) : nil
    defer { if let pinned { close(pinned) } }
    // Ours, if there is any, on a device that was there before, or with too small a map.
    PinnedProgram.detach(in: folder)
    if let other = try NetworkDevice(named: name, looksFar: false).program {
      throw XSKError(
        name, "another XDP program is on it (id \(other.id))", remedy: "take it off: ip link set dev \(name) xdp off",
        code: EEXIST)
    }
    let added = device.receiveQueuesUnderXDP
    guard added == device.queues.receive else { throw device.addedQueues(added, from: device.queues.receive) }
    // Room for queues that it gets later: a new map would be without the tenants' sockets.
    return try PinnedProgram.open(
      in: folder, device: device, queues: max(device.queues.receive, device.queues.maximumReceive),
      keeping: state.earlier?.socketMap ?? pinned)
  }

  /// The device as it is now, and its program.
  ///
  /// - Throws: what is in the way.
  func current() throws(XSKError) -> (device: NetworkDevice, program: PinnedProgram) {
    let device = try NetworkDevice(named: name, looksFar: false)
    guard let program = state.withLock({ $0.program }), program.ifindex == device.index else {
      throw obstacle ?? XSKError(name, "was made anew", remedy: "wait a moment", code: EAGAIN)
    }
    return (device, program)
  }

  /// As it was when it was looked at last.
  var facts: (device: NetworkDevice?, program: PinnedProgram?) { state.withLock { ($0.device, $0.program) } }

  /// Whether a socket can be bound to a queue: one is, for a moment, without the driver's taking part.
  ///
  /// - Throws: other reasons than that the queue is busy.
  private func isBindable(_ queue: Int, of device: NetworkDevice) throws(XSKError) -> Bool {
    try device.requireQueue(queue)
    let umem = try UMEM(UMEMConfiguration(frames: 64, pages: .plain))
    let socket = try XSKSocket.passing(name: "\(name) queue \(queue)", umem: umem)
    do throws(XSKError) {
      try socket.bind(ifindex: device.index, queue: queue)
      return true
    } catch {
      guard error.code == EBUSY else { throw error }
      return false
    }
  }

  /// The first so many of some queues that a socket can be bound to; all if there are fewer. If they are too few it waits,
  /// as long for all as for one: others wait for the caller.
  func bindable(_ queues: [Int], count: Int) throws(XSKError) -> [Int] {
    guard queues.count >= count else { return queues }
    let deadline = MonotonicTime.now + Self.patience
    var found: [Int] = []
    while true {
      var (device, _) = try current()
      // Only where the kernel doesn't tell is it tried: a queue is held for a moment after that.
      device.lookAtXDP()
      for queue in queues where found.count < count && !found.contains(queue) {
        if let bound = device.boundQueues {
          if !bound.contains(queue) { found.append(queue) }
        } else if try isBindable(queue, of: device) {
          found.append(queue)
        }
      }
      guard found.count < count, MonotonicTime.now < deadline else { return found.sorted() }
      usleep(20_000)
    }
  }

  /// A socket of a queue's was handed over.
  func noteSocket(queue: Int) { state.withLock { _ = $0.lost.remove(queue) } }

  /// Queues whose packets go to no socket any more.
  func release(_ queues: [Int]) {
    let last = state.withLock { state in
      state.lost.subtract(queues)
      return state.program ?? state.earlier
    }
    guard let program = last else { return }
    for queue in queues where queue < program.queues { program.remove(queue: queue) }
  }

  /// Takes the program off the device, and removes what is pinned.
  func remove() {
    state.withLock { $0 = State() }
    Self.remove(folder: folder)
  }

  // MARK: Places

  /// In a place that no tenant's id leads to: those begin with a letter or a digit.
  private static func parent(in bpfDirectory: String) -> String { "\(bpfDirectory)/_queues" }

  /// BPF file systems take no names with dots (kernel/bpf/inode.c, bpf_lookup).
  static func folder(of name: String, in bpfDirectory: String) -> String {
    let plain = name.flatMap { $0 == "." ? "@0" : $0 == "@" ? "@1" : String($0) }
    return "\(parent(in: bpfDirectory))/\(String(plain))"
  }

  /// Removes what is pinned for devices that are none of these, and answers how many there were.
  static func removeLeftovers(bpfDirectory: String, keeping names: Set<String>) -> [String] {
    let folders = Set(names.map { folder(of: $0, in: bpfDirectory) })
    let parent = parent(in: bpfDirectory)
    let others = DirectoryListing.names(in: parent).sorted().filter { !folders.contains("\(parent)/\($0)") }
    for other in others { remove(folder: "\(parent)/\(other)") }
    return others
  }

  private static func remove(folder: String) {
    PinnedProgram.remove(in: folder)
    // Only if it was the last one.
    let parent = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
    // Safe: the path is a C string for the call.
    unsafe rmdir(parent)
  }
}
