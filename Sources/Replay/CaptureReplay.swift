import Captures
public import GROLite
public import Reporting
public import XSKEngine

/// A capture as traffic: its packets arrive on a simulated NIC, burst by burst, and a worker delivers them.
///
///     capture ─► SimulatedNIC ─► RX ring ─► worker ─► GRO ─► units ─► files
///
/// Nothing but the other half of the rings differs from traffic on a device. No policy: everything is delivered.
public struct CaptureReplay: Sendable {
  /// The capture, pcap or pcapng; `-`: standard input.
  public var input: String
  /// Where the frames go as they would leave; nil: nowhere, `-`: standard output.
  public var output: String?
  /// Where a line a unit goes; nil: nowhere, `-`: standard output.
  public var units: String?
  /// Packets of the first bursts, each 1…1,024; the last is that of all further ones.
  public var batches: [Int]
  /// What aggregates are made for; nil: no GRO.
  public var mode: GROConfiguration.Mode?
  /// What may end it early; nil: nothing.
  public var interruption: ReplayInterruption?
  /// The program, its version and the command, for the summary.
  public var tool: String
  public var version: String
  public var command: String

  public init(input: String, mode: GROConfiguration.Mode? = .chain, batches: [Int] = [64]) {
    (self.input, self.mode, self.batches) = (input, mode, batches)
    (tool, version, command) = ("swift-xsk", "", "replay \(input)")
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public var summary: RunSummary
    /// What ended it before the capture's end: damage in the capture, or a file that could not be written.
    public var failure: XSKError?
    /// It was asked to end before the capture did.
    public var isInterrupted: Bool
  }

  /// Replays it all.
  ///
  /// - Parameter began: called once nothing stands in the way any more, before any file loses its contents.
  /// - Throws: what stands in the way before anything was replayed or written.
  public func run(began: () throws(XSKError) -> Void = {}) throws(XSKError) -> Outcome {
    guard let largest = batches.max(), batches.allSatisfy({ (1...1024).contains($0) }) else {
      throw XSKError("bursts of \(batches) packets", "out of range", remedy: "give sizes from 1 to 1024")
    }
    let cpu = CPUTimes.ofThisProcess
    var source = try CaptureSource(input)
    let outputs = try ReplayOutputs(self, besides: source)
    // One packet, one frame, whatever its size: GRO sees it whole, and a burst is as many packets as it is to be.
    let ring = UInt32(max(64, largest)).roundedUpToPowerOfTwo
    let umem = try UMEM(simulated: UMEMConfiguration(frames: 2 * Int(ring), chunkSize: Self.chunkSize))
    let device = try SimulatedDevice(name: source.name, rings: RingSizes(receive: ring, transmit: ring))
    let counters = try CounterPage(simulated: [device], tool: tool, version: version, command: command)
    var nic = SimulatedNIC(device, umem: umem)
    let parts = try WorkerParts(
      simulated: [device], umem: umem, counters: counters,
      configuration: WorkerConfiguration(batch: largest, idle: .spin))
    // Nothing stands in the way any more, so the files may lose what they had.
    try began()
    let sink = try outputs.begin(source.link)
    var worker = Worker(
      parts, handler: ReplayHandler(DeliveredUnits(sink: sink), mode: mode, link: source.link.layer, batch: largest))
    let start = ContinuousClock.now
    var sizes = BurstSizes(batches)
    var damage: XSKError?
    var isAtEnd = false
    while !isAtEnd && damage == nil && sink.failure == nil && !isInterrupted {
      // Nothing has arrived: this turn gives the NIC frames for the next burst.
      worker.turn()
      interruption?.setReading(true)
      do throws(XSKError) {
        isAtEnd = try !arrive(sizes.next(), from: &source, at: &nic, sink)
      } catch {
        // A read that was interrupted is no damage.
        if !isInterrupted { damage = error }
      }
      interruption?.setReading(false)
      worker.turn()
    }
    worker.drain()
    sink.finish()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var summary = RunSummary(try counters.snapshot(), duration: seconds, cpu: CPUTimes.ofThisProcess - cpu)
    summary.malformed = sink.malformedPackets
    return Outcome(summary: summary, failure: sink.failure ?? damage, isInterrupted: !isAtEnd && isInterrupted)
  }

  /// A chunk with room for the largest packet that a capture can hold, 262,144 bytes, behind XDP's headroom.
  static let chunkSize = 1 << 19

  private var isInterrupted: Bool { interruption?.isRequested ?? false }

  /// Has up to `size` packets arrive.
  ///
  /// - Returns: false at the capture's end.
  /// - Throws: where the capture is damaged; the packets before have arrived.
  private func arrive(
    _ size: Int, from source: inout CaptureSource, at nic: inout SimulatedNIC, _ sink: ReplaySink
  ) throws(XSKError) -> Bool {
    sink.beginBurst(at: source.count)
    for _ in 0..<size where !isInterrupted {
      guard let record = try source.next() else { return false }
      guard nic.receive(source.bytes) else {
        throw XSKError(
          source.name, "packet \(source.count) found no frame", remedy: "please report this as a bug")
      }
      sink.add(record)
    }
    return true
  }
}

/// The sizes of successive bursts.
struct BurstSizes {
  private let sizes: [Int]
  private var place = 0

  init(_ sizes: [Int]) { self.sizes = sizes }

  /// The next; behind the list's end its last, over and over.
  mutating func next() -> Int {
    defer { place += 1 }
    return sizes[min(place, sizes.count - 1)]
  }
}

extension UInt32 {
  var roundedUpToPowerOfTwo: UInt32 { self <= 1 ? 1 : 1 << (32 - (self - 1).leadingZeroBitCount) }
}
