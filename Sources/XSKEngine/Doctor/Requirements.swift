/// What is going to be started, for the doctor to compare the machine with.
public struct Requirements: Hashable, Sendable {
  /// The device; nil: only the machine is looked at.
  public var device: String?
  /// RX queues to bind; nil: all that the device has.
  public var queues: [Int]?
  /// CPUs to run workers on; nil: any.
  public var cores: [Int]?
  public var mode: ModeRequest
  /// Bytes of all UMEMs together.
  public var umemBytes: Int
  /// Bytes of a frame, and how many of them are set aside ahead of each packet.
  public var chunkSize: Int
  public var headroom: Int

  public init(
    device: String? = nil, queues: [Int]? = nil, cores: [Int]? = nil, mode: ModeRequest = .auto,
    umem: UMEMConfiguration = UMEMConfiguration(), workers: Int = 1
  ) {
    self.device = device
    self.queues = queues
    self.cores = cores
    self.mode = mode
    umemBytes = umem.frames * umem.chunkSize * workers
    chunkSize = umem.chunkSize
    headroom = umem.headroom
  }

  /// The largest frame that fits into one chunk.
  var largestFrame: Int { chunkSize - UMEMConfiguration.xdpHeadroom - headroom }
}
