import XSKEngine

/// Sends copies of a frame into a device at millions a second from one CPU: an XDP program, run by the kernel itself
/// (BPF_PROG_TEST_RUN with live frames), redirects each.
///
/// A veth takes redirected frames only while its *peer* runs NAPI (an XDP program, or GRO); the peer then works on the
/// generator's CPU. It ends by itself after `packets` or `duration`, and when released.
public final class LiveFrameGenerator: Sendable {
  public struct Configuration: Hashable, Sendable {
    /// The frames, one for each length, 1…16 of 60…1514 bytes without FCS. More than one need the same headers but for
    /// lengths and checksums.
    public var frames: [[UInt8]]
    /// Which of the frames leave in turn, by their indices, at most 256; empty: the first, always.
    public var schedule: [UInt8] = []
    /// Frames take turns among this many flows, 1…2²⁴: 16,384 source ports, then the next source address. Checksums are
    /// kept right. More than one needs an untagged UDP or TCP frame.
    public var flows: UInt32 = 1
    /// Number the frames, which were made by `FrameTemplate.probeFrame`, from 0 on: frame *n* is of flow *n* mod `flows`.
    public var probe: ProbeStream?
    /// Stop after this many frames; nil: when `duration` has passed.
    public var packets: UInt64?
    /// Stop after this time in any case.
    public var duration: Duration = .seconds(10)
    /// Frames a second, 1000 or more; nil: as many as go. The CPU is fully used either way: the wait between frames
    /// spins. Time lost to other threads is not made up for.
    public var rate: Double?
    /// With a rate: frames that can't be sent within this time of the first are not sent at all, so that a generator that is too
    /// slow shows by how many it sent. Nil: it takes the time that it needs.
    public var window: Duration?
    /// The CPU to run on; nil: any. Probes need one.
    public var cpu: UInt32?
    /// Run ahead of all ordinary threads of its CPU (SCHED_FIFO), so that nothing is lost to them but the share that the kernel
    /// keeps for them, about a twentieth.
    public var goesFirst = false
    /// Frames handed over at once, 1…256; with a rate no more than are due in 20 µs. Above 256 a veth's ring would overflow.
    public var batch: UInt32 = 64

    public init(
      frame: [UInt8], flows: UInt32 = 1, packets: UInt64? = nil, duration: Duration = .seconds(10),
      rate: Double? = nil, cpu: UInt32? = nil, batch: UInt32 = 64
    ) {
      frames = [frame]
      self.flows = flows
      self.packets = packets
      self.duration = duration
      self.rate = rate
      self.cpu = cpu
      self.batch = batch
    }
  }

  /// What it did.
  public struct Report: Hashable, Sendable {
    /// Frames handed to the device. Each is in the peer's `receivedPackets` or, where its ring was full, in its
    /// `receiveDropped`.
    public let packets: UInt64
    public let bytes: UInt64
    public let duration: Duration
    /// Frames that the device's own counters say it sent, and dropped, meanwhile; those of others are among them.
    public let transmitted: UInt64
    public let transmitDropped: UInt64
    /// With a rate: how long it was kept from sending. Moments of less than a millisecond are
    /// made up for and are not counted; the others made it take so much longer.
    public let held: Duration
    /// How long its thread could have run and had no CPU: other threads held it up. The rest of `held` is the hypervisor's, or work
    /// that the kernel did on its CPU, such as that of a veth's far end.
    public let waited: Duration
    /// Frames a second.
    public var rate: Double { duration > .zero ? Double(packets) / (duration / .seconds(1)) : 0 }
  }

  private let work: LiveFrameWork

  /// Starts sending into a device of `namespace` (nil: the calling thread's), on a thread of its own.
  ///
  /// - Throws: `XSKError` for values out of range, an unknown device, or where BPF is refused.
  public init(
    in namespace: NetworkNamespace?, device: String, _ configuration: Configuration
  ) throws(XSKError) {
    let work = try LiveFrameWork(namespace, device, configuration)
    self.work = work
    // The thread holds the work alone: releasing the generator stops it.
    try SystemThread.start("lab-generator") { work.perform(in: namespace) }
  }

  deinit { work.stop() }

  /// Frames sent so far.
  public var sent: UInt64 { work.program.sent }

  /// False once it has ended.
  public var isRunning: Bool { !work.answer.isFulfilled }

  /// Changes the rate from the next frame on: frames a second, 1000 or more; nil: as many as go. The batch stays as the first
  /// rate made it.
  public func setRate(_ rate: Double?) throws(XSKError) { try work.program.setRate(rate) }

  /// Waits until it has ended.
  ///
  /// - Throws: `XSKError` if the kernel refused to run it, or the device took none of its frames.
  public func wait() throws(XSKError) -> Report { try work.answer.wait() }

  /// Ends it within some 30 ms and returns what it did.
  @discardableResult
  public func stop() throws(XSKError) -> Report {
    work.stop()
    return try wait()
  }
}
