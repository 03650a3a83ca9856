/// What a UMEM is to be like.
public struct UMEMConfiguration: Hashable, Sendable {
  /// Where its pages come from.
  public enum Pages: String, CaseIterable, Sendable {
    /// 2 MiB huge pages (hugetlbfs pool); plain pages if there are too few.
    case huge2M = "2M"
    /// 1 GiB huge pages; then 2 MiB, then plain pages.
    case huge1G = "1G"
    /// Plain pages, which the kernel may make transparent huge pages of.
    case plain = "off"
    /// A memfd sealed against shrinking and growing, to be handed to another process.
    case sealedMemfd = "memfd"
  }

  /// Frames; each holds one packet, or one piece of a larger one. 64…4,194,304.
  public var frames: Int
  /// Bytes of a frame: 2048 or 4096 (the kernel's limit is one page). In simulated memory (`UMEM(simulated:)`) any power of
  /// two from 2048 to `maximumSimulatedChunk`.
  public var chunkSize: Int
  /// Bytes left free ahead of each received packet, besides the 256 that XDP takes. 0…chunkSize − 704.
  public var headroom: Int
  /// Bytes of metadata that an XDP program writes ahead of each packet (`MetadataConfiguration.length`); 0: none, else 16 …
  /// 256 + `headroom`, a multiple of 4. An engine sets it.
  public var metadataLength: Int
  /// Frames may start anywhere (XDP_UMEM_UNALIGNED_CHUNK_FLAG).
  public var unaligned: Bool
  public var pages: Pages
  /// The NUMA node to place it on; nil: the device's in an engine, and where that is not known, or without an engine, that
  /// of the core which touches it first.
  public var numaNode: Int?

  public init(
    frames: Int = 8192, chunkSize: Int = 2048, headroom: Int = 0, unaligned: Bool = false, pages: Pages = .plain,
    numaNode: Int? = nil, metadataLength: Int = 0
  ) {
    self.frames = frames
    self.chunkSize = chunkSize
    self.headroom = headroom
    self.metadataLength = metadataLength
    self.unaligned = unaligned
    self.pages = pages
    self.numaNode = numaNode
  }

  /// Bytes that XDP keeps for itself ahead of the headroom (XDP_PACKET_HEADROOM).
  public static let xdpHeadroom = 256

  /// Bytes of a frame that headroom can't have: XDP's own, 320 at the end for struct skb_shared_info, and 128 of packet.
  /// Linux 6.18 refuses more (xdp_umem_reg); older kernels asked for XDP's own only.
  static let kernelShare = xdpHeadroom + 320 + 128

  /// Bytes of the largest frame of simulated memory, 1 MiB.
  public static let maximumSimulatedChunk = 1 << 20

  func validate() throws(XSKError) {
    guard chunkSize == 2048 || chunkSize == 4096 else {
      throw XSKError("chunk size \(chunkSize)", "not supported by the kernel", remedy: "use 2048 or 4096")
    }
    try validateSizes()
  }

  /// As `validate`, for memory that no kernel is going to look at.
  func validateSimulated() throws(XSKError) {
    guard (2048...Self.maximumSimulatedChunk).contains(chunkSize), chunkSize & (chunkSize - 1) == 0 else {
      throw XSKError(
        "chunk size \(chunkSize)", "out of range",
        remedy: "use a power of two from 2048 to \(Self.maximumSimulatedChunk)")
    }
    guard pages == .plain else {
      throw XSKError("simulated UMEM of \(pages.rawValue) pages", "not supported", remedy: "use plain pages")
    }
    try validateSizes()
  }

  private func validateSizes() throws(XSKError) {
    guard (64...4_194_304).contains(frames) else {
      throw XSKError("UMEM of \(frames) frames", "out of range", remedy: "use 64 to 4194304")
    }
    let most = chunkSize - Self.kernelShare
    guard (0...most).contains(headroom) else {
      throw XSKError("headroom of \(headroom) bytes", "out of range", remedy: "use 0 to \(most)")
    }
    let room = (Self.xdpHeadroom + headroom) & ~3
    guard metadataLength == 0 || metadataLength % 4 == 0 && (16...room).contains(metadataLength) else {
      throw XSKError(
        "metadata of \(metadataLength) bytes", "out of range", remedy: "use 0, or a multiple of 4 from 16 to \(room)")
    }
  }
}
