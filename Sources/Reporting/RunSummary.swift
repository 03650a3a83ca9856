import FoundationEssentials
import XSKEngine

/// What a run did, as one object for programs: the last thing that `--json` prints.
///
/// `packets.received = forwarded + delivered + held + Σ dropped`, and `frames.total` is the sum of the other frame
/// counts, exactly, once the workers stand still.
public struct RunSummary: Codable, Hashable, Sendable {
  public struct Port: Codable, Hashable, Sendable {
    public var name: String
    public var device: String
    /// `zerocopy`, `copy`, `generic`, or `simulated`.
    public var mode: String
    /// The device's queue numbers.
    public var queues: [Int]
    /// `up`, `down`, or `gone`.
    public var link: String
  }

  public struct Packets: Codable, Hashable, Sendable {
    public var received: UInt64
    public var forwarded: UInt64
    public var delivered: UInt64
    public var held: UInt64
    /// By reason; reasons that never occurred are there with 0.
    public var dropped: [String: UInt64]
  }

  public struct Bytes: Codable, Hashable, Sendable {
    public var received: UInt64
    public var forwarded: UInt64
    public var delivered: UInt64
  }

  /// The six AF_XDP statistics (struct xdp_statistics), summed over all sockets.
  public struct Kernel: Codable, Hashable, Sendable {
    public var rxDropped: UInt64
    public var rxInvalidDescriptors: UInt64
    public var txInvalidDescriptors: UInt64
    public var rxRingFull: UInt64
    public var fillRingEmpty: UInt64
    public var txRingEmpty: UInt64

    enum CodingKeys: String, CodingKey {
      case rxDropped = "rx_dropped"
      case rxInvalidDescriptors = "rx_invalid_descs"
      case txInvalidDescriptors = "tx_invalid_descs"
      case rxRingFull = "rx_ring_full"
      case fillRingEmpty = "rx_fill_ring_empty_descs"
      case txRingEmpty = "tx_ring_empty_descs"
    }
  }

  public struct Syscalls: Codable, Hashable, Sendable {
    public var txKick: UInt64
    public var rxKick: UInt64
    public var poll: UInt64

    enum CodingKeys: String, CodingKey {
      case txKick = "tx_kick"
      case rxKick = "rx_kick"
      case poll
    }
  }

  /// Where the frames of all UMEMs are; see the frame ledger in the architecture notes.
  public struct Frames: Codable, Hashable, Sendable {
    public var total: UInt64
    public var pool: UInt64
    public var fill: UInt64
    public var kernel: UInt64
    public var held: UInt64
    public var tx: UInt64
    public var completion: UInt64
  }

  /// What GRO made of the packets.
  public struct Coalescing: Codable, Hashable, Sendable {
    /// What was decided about as one: an aggregate, or a lone packet.
    public var units: UInt64
    /// The packets in them.
    public var packets: UInt64
  }

  /// What the XDP program carried out of the verdicts that it was given: beside `packets`, not in them.
  public struct Offload: Codable, Hashable, Sendable {
    /// By reason; reasons that never occurred are left out.
    public var dropped: [String: UInt64]
    public var redirected: UInt64
  }

  public var tool: String
  public var version: String
  public var command: String
  /// Seconds, to the microsecond.
  public var duration: Double
  public var ports: [Port]
  public var packets: Packets
  public var bytes: Bytes
  public var kernel: Kernel
  public var syscalls: Syscalls
  public var cpu: CPUTimes
  public var frames: Frames
  /// nil: GRO did not run.
  public var gro: Coalescing?
  /// Packets delivered that are malformed, by the name of the reason; only those that occurred. nil: nobody looked.
  public var malformed: [String: UInt64]?
  /// nil: the program carries out no verdicts.
  public var offload: Offload?
  /// Packets that the XDP program left to the kernel's stack, by kind; beside `packets`, not in them. nil: it leaves none.
  public var punted: [String: UInt64]?

  enum CodingKeys: String, CodingKey {
    case tool, version, command
    case duration = "duration_s"
    case ports, packets, bytes, kernel, syscalls, cpu, frames, gro, malformed, offload, punted
  }

  /// - Parameters:
  ///   - duration: seconds that packets were taken for.
  ///   - cpu: processor time used meanwhile.
  public init(_ snapshot: CounterSnapshot, duration: Double, cpu: CPUTimes) {
    tool = snapshot.description.tool
    version = snapshot.description.version
    command = snapshot.description.command
    self.duration = (duration * 1e6).rounded() / 1e6
    ports = snapshot.description.ports.map(Port.init)
    packets = Packets(snapshot)
    bytes = Bytes(snapshot)
    kernel = Kernel(snapshot)
    syscalls = Syscalls(snapshot)
    self.cpu = cpu
    frames = Frames(snapshot)
    let units = snapshot.total(.units)
    gro = units == 0 ? nil : Coalescing(units: units, packets: snapshot.total(.unitPackets))
    offload = snapshot.kernel.flatMap { $0.verdicts == nil ? nil : Offload($0) }
    punted = snapshot.kernel.flatMap { kernel in
      let counts = kernel.punted.values.joined()
      return kernel.punted.isEmpty ? nil : counts.reduce(into: [:]) { $0[$1.key, default: 0] &+= $1.value.packets }
    }
  }

  /// Whether every received packet is accounted for.
  public var conservationHolds: Bool {
    packets.received == packets.dropped.values.reduce(packets.forwarded &+ packets.delivered &+ packets.held, &+)
  }

  /// Whether every frame is accounted for.
  public var ledgerHolds: Bool {
    frames.total
      == frames.pool &+ frames.fill &+ frames.kernel &+ frames.held &+ frames.tx &+ frames.completion
  }

  /// The object on one line, keys in alphabetical order.
  public func json() -> String { jsonLine(self) }
}

extension RunSummary.Port {
  public init(_ port: CounterDescription.Port) {
    self.init(name: port.name, device: port.device, mode: port.mode, queues: port.queues, link: port.link)
  }
}

extension RunSummary.Packets {
  public init(_ snapshot: CounterSnapshot) {
    let known = Dictionary(uniqueKeysWithValues: DropReason.own.map { ($0.name, UInt64(0)) })
    self.init(
      received: snapshot.total(.receivedPackets), forwarded: snapshot.total(.forwardedPackets),
      delivered: snapshot.total(.deliveredPackets), held: snapshot.total(.heldPackets),
      dropped: known.merging(snapshot.drops) { $1 })
  }
}

extension RunSummary.Bytes {
  public init(_ snapshot: CounterSnapshot) {
    self.init(
      received: snapshot.total(.receivedBytes), forwarded: snapshot.total(.forwardedBytes),
      delivered: snapshot.total(.deliveredBytes))
  }
}

extension RunSummary.Kernel {
  public init(_ snapshot: CounterSnapshot) {
    self.init(
      rxDropped: snapshot.total(.kernelRXDropped), rxInvalidDescriptors: snapshot.total(.kernelRXInvalidDescriptors),
      txInvalidDescriptors: snapshot.total(.kernelTXInvalidDescriptors),
      rxRingFull: snapshot.total(.kernelRXRingFull), fillRingEmpty: snapshot.total(.kernelFillRingEmpty),
      txRingEmpty: snapshot.total(.kernelTXRingEmpty))
  }
}

extension RunSummary.Offload {
  init(_ kernel: KernelCounters) {
    self.init(dropped: kernel.dropped.mapValues(\.packets), redirected: kernel.redirectedPackets)
  }
}

extension RunSummary.Syscalls {
  public init(_ snapshot: CounterSnapshot) {
    self.init(
      txKick: snapshot.total(.txKicks), rxKick: snapshot.total(.rxKicks), poll: snapshot.total(WorkerCounter.polls))
  }
}

extension RunSummary.Frames {
  public init(_ snapshot: CounterSnapshot) {
    self.init(
      total: snapshot.total(.framesTotal), pool: snapshot.total(.framesInPool), fill: snapshot.total(.fillFrames),
      kernel: snapshot.total(.kernelFrames), held: snapshot.total(.framesHeld), tx: snapshot.total(.txFrames),
      completion: snapshot.total(.completionFrames))
  }
}

/// A value as JSON on one line, keys in alphabetical order. All reports consist of strings and finite numbers, which
/// always encode.
func jsonLine(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
    preconditionFailure("a report that is not JSON: \(error)")
  }
}
