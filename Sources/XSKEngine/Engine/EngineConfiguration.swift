/// A device that an engine works on.
public struct PortConfiguration: Hashable, Sendable {
  /// The device's name.
  public var device: String
  /// Its RX queues to take; nil: all.
  public var queues: [Int]?
  /// What of its packets is left to the kernel's stack; nothing by default.
  public var punt: PuntConfiguration
  /// Packets to other stations' MAC addresses are wanted, too: the device is in promiscuous mode while the engine runs. A
  /// cable between two devices needs it; most NICs keep such packets to themselves otherwise.
  public var isPromiscuous = false

  /// The socket `afxdp.sock` of an attachment, from which its sockets come (``Attachment``); nil: the engine makes them.
  public var attachment: String?

  public init(_ device: String, queues: [Int]? = nil, punt: PuntConfiguration = .none) {
    self.device = device
    self.queues = queues
    self.punt = punt
  }

  /// A container's interface whose sockets are handed over at this path: that takes no privileges. The device's name is told
  /// there.
  public init(attachment path: String, queues: [Int]? = nil) {
    self.init("", queues: queues)
    attachment = path
  }
}

/// Where an engine's counters are kept.
public enum CounterPageLocation: Hashable, Sendable {
  /// In the process's own memory, for nobody else to read.
  case memory
  /// In the standard place, where `xskfwd top` finds it (`CounterPageDirectory.standard`).
  case standard
  case file(String)
}

/// What an engine is to be like. Every default is what an operator would want without further thought.
public struct EngineConfiguration: Sendable {
  /// Port 0, 1, … in this order; verdicts name ports by these numbers.
  public var ports: [PortConfiguration]
  /// Ports behind those, without a device at first; none by default.
  public var spares = SparePorts()
  /// The name of a port behind all those, for packets that the handlers originate (a TAP device's, answers of their own); nil:
  /// they originate none.
  public var localPort: String?
  /// CPUs to run workers on, one worker each; nil: one worker a queue, on the highest CPUs that the process may use.
  public var cores: [Int]?
  /// At most so many workers where `cores` is nil; nil: one a queue.
  public var workers: Int?
  public var worker: WorkerConfiguration
  /// Packets that the handler may hold for each queue of its worker, beside `worker.holdCapacity`: what GRO's hold limit is.
  public var heldPerQueue = 0
  public var socket: SocketConfiguration
  /// Frames and pages of each worker's UMEM; `frames` 0: what its queues need.
  public var umem: UMEMConfiguration
  /// Names of drop reasons beyond the engine's own, as counters show them: lower-case letters, digits and underscores.
  public var reasonNames: [DropReason: String] = [:]
  /// What the XDP program writes ahead of each packet, for `Burst.metadata`; nothing by default.
  public var metadata: MetadataConfiguration
  /// Workers give up their thread's capabilities once they run: moving packets needs none. Not for handlers that open
  /// something privileged later.
  public var dropsWorkerCapabilities = false
  /// Verdicts that the XDP programs carry out on behalf of userspace (`Engine.verdicts`); nil, the default: none.
  public var offload: OffloadConfiguration?
  /// A failed port is opened again when its device is back.
  public var reopensPorts: Bool
  /// Where the counter page is made.
  public var counterPage: CounterPageLocation
  /// What the counter page says about the program.
  public var tool: String
  public var version: String
  public var command: String

  public init(ports: [PortConfiguration]) {
    self.ports = ports
    worker = WorkerConfiguration()
    socket = SocketConfiguration()
    umem = UMEMConfiguration(frames: 0)
    metadata = MetadataConfiguration()
    reopensPorts = true
    counterPage = .memory
    tool = "swift-xsk"
    version = "0"
    command = ""
  }

  /// What each port punts, spare ones included.
  var punts: [PuntConfiguration] {
    ports.map(\.punt) + Array(repeating: spares.punt, count: spares.count)
  }
}
