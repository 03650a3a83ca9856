import Synchronization

/// A device under an engine: its program while it is attached, and what became of it.
final class Port: Sendable {
  struct State: Sendable {
    /// Without an index while the port is empty.
    var device: NetworkDevice
    /// The device's name; of an empty port its own.
    var name: String
    /// Of a spare port: the device that is to be in it, and how far that is.
    var wanted: String?
    /// What is punted of a spare port is what is configured; else nothing.
    var punts = true
    var occupancy = PortOccupancy.fixed
    var program: XDPProgram?
    /// Of an empty spare port: what the next device gets.
    var loaded: LoadedProgram?
    var mode: BindMode?
    var link: LinkState
    /// What the operator wants, and what is: packets go to the kernel's stack.
    var isDrainWanted = false
    var isDrained = false
    var egress: Egress?
  }

  /// What the counter page calls a port's link.
  enum LinkState: String, Sendable {
    case up, down, gone
    /// A spare port without a device.
    case empty
  }

  let index: Int
  let isSpare: Bool
  /// What it is called while it is empty.
  private let ownName: String
  let queues: [Int]
  let metadata: MetadataConfiguration
  let policy: KernelPolicy?
  /// Where its sockets come from; nil: they are the engine's, as its program is.
  let attachment: Attachment?
  private let state: Mutex<State>

  /// - Parameters:
  ///   - device: nil: a spare port.
  ///   - spare: its number among the spare ports.
  init(
    index: Int, device: NetworkDevice?, spare: Int, queues: [Int], metadata: MetadataConfiguration,
    policy: KernelPolicy?, attachment: Attachment? = nil
  ) {
    self.index = index
    isSpare = device == nil
    ownName = "spare\(spare)"
    self.queues = queues
    self.metadata = metadata
    self.policy = policy
    self.attachment = attachment
    state = Mutex(device.map(State.init) ?? State(emptyNamed: ownName))
  }

  var current: State { state.withLock { $0 } }

  var name: String { state.withLock { $0.name } }

  var isEmpty: Bool { state.withLock { $0.link == .empty } }

  /// A spare port gets the device that is wanted.
  func occupy(_ name: String) {
    update { state in
      (state.name, state.link, state.occupancy) = (name, .gone, .opening(nil))
    }
  }

  /// A spare port has no device any more. Its wish stays.
  func empty() {
    update { state in
      let (wanted, punts) = (state.wanted, state.punts)
      state = State(emptyNamed: ownName)
      (state.wanted, state.punts) = (wanted, punts)
    }
  }

  /// Where redirected packets leave by; nil if the device takes none.
  var egress: Egress? { state.withLock { $0.egress } }

  func setEgress(_ egress: Egress?) { state.withLock { $0.egress = egress } }

  /// Changes the state; answers whether what readers see of it is different now.
  @discardableResult func update(_ body: (inout sending State) -> Void) -> Bool {
    state.withLock { state in
      let before = (state.device.index, state.mode, state.link)
      body(&state)
      return before != (state.device.index, state.mode, state.link)
    }
  }

  /// What decides which mode a socket can have here.
  struct Kind: Hashable {
    let driver: String
    let program: XDPMode?
  }

  var kind: Kind {
    let state = current
    return Kind(driver: state.device.driver, program: state.program?.mode)
  }

  /// Puts the engine's program on the device; an attachment has one.
  func attach(_ request: ModeRequest) throws(XSKError) {
    guard attachment == nil else { return }
    if let program = attachLoaded(request) {
      update { $0.program = program }
      return
    }
    let device = current.device
    let program = try XDPProgram(
      forms(for: device), device: device.name, ifindex: device.index,
      queues: max(device.queues.receive, (queues.max() ?? 0) + 1), modes: request.programModes)
    do throws(XSKError) { try requireAllQueues(of: device) } catch {
      program.detach()
      throw error
    }
    update { $0.program = program }
  }

  /// virtio_net gives XDP a queue pair for each CPU where it can, and receives on those, too: packets of flows that come there
  /// would go past an engine that was to have all.
  private func requireAllQueues(of device: NetworkDevice) throws(XSKError) {
    guard device.queues.mayGrow, queues.count == device.queues.receive else { return }
    let count = try NetworkDevice(named: device.name, looksFar: false).queues.receive
    guard count > device.queues.receive else { return }
    throw XSKError(
      device.name, device.queues.growth(to: count, driver: device.driver),
      remedy: "ethtool -L \(device.name) combined \(device.queues.maximumReceive)")
  }

  /// Loads what the next device of an empty spare port will get, where no device decides what that is.
  func load() throws(XSKError) {
    guard isSpare, !metadata.isOn, let form = forms(for: .none).first else { return }
    let loaded = try LoadedProgram(form, queues: queues.count, name: name)
    update { $0.loaded = loaded }
  }

  /// Attaches what was loaded before the device came. If that can't be used it is done the long way, which tells why.
  private func attachLoaded(_ request: ModeRequest) -> XDPProgram? {
    var loaded: LoadedProgram?
    update { (loaded, $0.loaded) = ($0.loaded, nil) }
    let state = current
    guard let loaded, state.punts, state.device.queues.receive == loaded.queues, let mode = request.programModes.first
    else { return nil }
    return try? XDPProgram(loaded, device: state.device.name, ifindex: state.device.index, mode: mode)
  }

  private func forms(for device: NetworkDevice) -> [ProgramForm] {
    ProgramForm.forms(metadata, policy: policy?.part(port: index, punts: current.punts), for: device)
  }

  /// What a bound socket's mode is called, given where the program runs.
  func bound(_ socket: XSKSocket) {
    update { state in
      state.mode = state.program?.mode == .generic ? .generic : socket.isZeroCopy ? .zerocopy : .copy
    }
  }

  /// Redirects a queue's packets to its socket.
  func redirect(_ queue: Int, to socket: XSKSocket) throws(XSKError) {
    try attachment?.insert(socket: socket.descriptor, queue: queue)
    try current.program?.insert(socket: socket.descriptor, queue: queue)
  }

  /// From here on the device's packets go to the kernel's stack.
  func stopRedirecting() {
    for queue in queues { attachment?.remove(queue: queue) }
    guard let program = current.program else { return }
    for queue in queues { program.remove(queue: queue) }
  }

  func detach() {
    let program = current.program
    program?.detach()
    update { $0.program = nil }
  }

  var description: CounterDescription.Port {
    let state = current
    return CounterDescription.Port(
      name: state.name, device: state.link == .empty ? "" : state.name, ifindex: Int(state.device.index),
      mode: state.mode?.rawValue ?? "none", queues: queues,
      link: state.link.rawValue)
  }
}

extension Port.State {
  fileprivate init(_ device: NetworkDevice) {
    self.init(
      device: device, name: device.name, program: nil, mode: nil, link: device.isRunning ? .up : .down)
  }

  fileprivate init(emptyNamed name: String) {
    self.init(device: .none, name: name, program: nil, mode: nil, link: .empty)
    occupancy = .empty
  }
}
