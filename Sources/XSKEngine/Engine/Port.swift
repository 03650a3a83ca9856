import Synchronization

/// A device under an engine: its program while it is attached, and what became of it.
final class Port: Sendable {
  struct State: Sendable {
    var device: NetworkDevice
    var program: XDPProgram?
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
  }

  let index: Int
  let name: String
  let queues: [Int]
  let metadata: MetadataConfiguration
  let policy: KernelPolicy?
  private let state: Mutex<State>

  init(index: Int, device: NetworkDevice, queues: [Int], metadata: MetadataConfiguration, policy: KernelPolicy?) {
    self.index = index
    name = device.name
    self.queues = queues
    self.metadata = metadata
    self.policy = policy
    state = Mutex(State(device: device, program: nil, mode: nil, link: device.isRunning ? .up : .down))
  }

  var current: State { state.withLock { $0 } }

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

  /// Puts the engine's program on the device.
  func attach(_ request: ModeRequest) throws(XSKError) {
    let device = current.device
    let program = try XDPProgram(
      ProgramForm.forms(metadata, policy: policy?.part(port: index), for: device), device: name, ifindex: device.index,
      queues: max(device.queues.receive, (queues.max() ?? 0) + 1), modes: request.programModes)
    update { $0.program = program }
  }

  /// What a bound socket's mode is called, given where the program runs.
  func bound(_ socket: XSKSocket) {
    update { state in
      state.mode = state.program?.mode == .generic ? .generic : socket.isZeroCopy ? .zerocopy : .copy
    }
  }

  /// From here on the device's packets go to the kernel's stack.
  func stopRedirecting() {
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
      name: name, device: name, ifindex: Int(state.device.index), mode: state.mode?.rawValue ?? "none", queues: queues,
      link: state.link.rawValue)
  }
}
