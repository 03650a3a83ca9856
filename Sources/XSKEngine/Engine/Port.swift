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
    /// Whether packets to other stations are wanted, and what has the device pass them on.
    var wantsPromiscuity = false
    var promiscuity: PromiscuousMode?
    /// What was wanted when it was last seen to.
    var hasPromiscuity = false
    /// Of physical queues: the attachment has ended, and no other was taken up. And queues whose sockets are still its.
    var isDetached = false
    var detachedQueues: Set<Int> = []
    /// CLOCK_MONOTONIC nanoseconds when its daemon is asked again how the link is.
    var nextLinkLook: UInt64 = 0
  }

  /// What the counter page calls a port's link.
  enum LinkState: String, Sendable {
    case up, down, gone
    /// Of a device in another network namespace, and nobody tells.
    case unknown
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
    policy: KernelPolicy?, attachment: Attachment? = nil, isPromiscuous: Bool = false
  ) {
    self.index = index
    isSpare = device == nil
    ownName = "spare\(spare)"
    self.queues = queues
    self.metadata = metadata
    self.policy = policy
    self.attachment = attachment
    var state = device.map(State.init) ?? State(emptyNamed: ownName)
    state.wantsPromiscuity = isPromiscuous
    if let interface = attachment?.interface, interface.isPhysical { state.link = LinkState(interface.link) }
    self.state = Mutex(state)
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

  /// Its device as the kernel has it now, which may be under another name by now; nil: it is gone.
  var link: LinkDescription? {
    let device = current.device
    guard device.index > 0, let now = try? LinkDescription.at(index: device.index) else { return nil }
    // Another device gets an old one's index only if somebody asks for it; a renamed one keeps its address.
    return now.name == device.name || now.address == device.hardwareAddress ? now : nil
  }

  /// The name of its device, or of the one that it waits for.
  var deviceName: String { link?.name ?? name }

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
    update { $0.program = program }
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
    update { ($0.program, $0.promiscuity) = (nil, nil) }
  }

  /// Switches promiscuous mode on or off, as it is wanted of the device that is there now.
  ///
  /// - Throws: the kernel's refusal.
  func followPromiscuity() throws(XSKError) {
    let state = current
    // Also where it is refused: that is told once.
    update { ($0.promiscuity, $0.hasPromiscuity) = (nil, state.wantsPromiscuity) }
    guard state.wantsPromiscuity else { return }
    let mode = try PromiscuousMode(of: state.device)
    update { $0.promiscuity = mode }
  }

  var description: CounterDescription.Port {
    let state = current
    let device = state.device.index > 0 ? state.device.name : state.name
    return CounterDescription.Port(
      name: state.name, device: state.link == .empty ? "" : device, ifindex: Int(state.device.index),
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
