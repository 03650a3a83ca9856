public import PacketHeaders

/// What a host's stack sends through a TAP device, cut into packets: the inverse of a super-frame.
///
/// A stack with segmentation offload sends up to 64 KiB at once: a virtio-net header and one frame. A segmenter reads both and
/// then gives, packet by packet, headers made in the caller's memory and a range of the frame to go behind them. Nothing is
/// allocated, no payload moved.
///
///     let segmenter = Segmenter(virtio, &frame)
///     for number in 0..<segmenter.count {
///       let segment = segmenter.writeSegment(number, of: frame.bytes, to: &header)
///       send(header.bytes.extracting(first: segment.headerLength), frame.bytes.extracting(segment.payload))
///     }
///
/// It follows the kernel's own segmentation (`tcp_gso_segment`, `__udp_gso_segment`, `inet_gso_segment`): lengths, IPv4
/// identification growing by 1, TCP sequence; FIN and PSH on the last segment only, CWR on the first only; checksums of
/// each. A frame without GSO gets its checksum completed, if that is asked for, or is left as it is.
@frozen public struct Segmenter: Sendable {
  /// Where a packet's bytes are.
  @frozen public struct Segment: Hashable, Sendable {
    /// Bytes that were written; 0 if the whole packet is in the frame.
    public let headerLength: Int
    /// The bytes of the frame that follow them.
    public let payload: Range<Int>

    @inlinable
    init(headerLength: Int, payload: Range<Int>) { (self.headerLength, self.payload) = (headerLength, payload) }

    /// Bytes of the packet.
    @inlinable public var length: Int { headerLength &+ payload.count }
  }

  /// Packets that the frame makes, 1…65,535; 0 if it was refused.
  public let count: Int
  /// Why the frame can't be cut, or its header is not one; nil: it can. (Not thrown: on the packet path nothing is.)
  public let refusal: SegmenterRefusal?
  /// The sum of the pseudo-header but for its length.
  @usableFromInline let pseudoSum: UInt64
  @usableFromInline let sequence: UInt32
  @usableFromInline let segmentSize: Int
  @usableFromInline let payloadLength: Int
  @usableFromInline let networkOffset: Int
  @usableFromInline let transportOffset: Int
  /// 0: the frame is one packet, as it is.
  @usableFromInline let headerLength: Int
  @usableFromInline let identification: UInt16
  @usableFromInline let identificationStep: UInt16
  @usableFromInline let isIPv4: Bool
  @usableFromInline let isTCP: Bool

  /// Bytes that a segment's headers have at most: what the memory for them must have room for.
  @inlinable public static var maximumHeader: Int { 256 }

  /// Looks at a frame and says what it makes. Of a frame without GSO the checksum is completed here, in its place.
  ///
  /// - Parameters:
  ///   - header: what stood before the frame.
  ///   - frame: the frame, behind that header.
  ///   - link: what its first bytes are.
  ///   - identificationStep: by how much IPv4's identification grows, 0 or 1.
  @inlinable
  public init(
    _ header: VirtioNetHeader, _ frame: inout MutableRawSpan, link: PacketSummary.LinkLayer = .ethernet,
    identificationStep: Int = 1
  ) {
    if header.gsoType == 0 {
      let isComplete = header.flags & VirtioNetHeader.needsChecksum == 0 || Self.completeChecksum(header, &frame)
      self.init(whole: frame.byteCount, isComplete ? nil : .checksumPlace)
    } else {
      let summary = PacketSummary(frame.bytes, link: link)
      if let refusal = Self.refusal(header, summary) {
        self.init(whole: 0, refusal)
      } else {
        self.init(header, summary, step: UInt16(truncatingIfNeeded: identificationStep))
      }
    }
  }

  /// A frame that is one packet, or none.
  @inlinable
  init(whole length: Int, _ refusal: SegmenterRefusal?) {
    self.refusal = refusal
    (count, payloadLength, segmentSize, headerLength) = (refusal == nil ? 1 : 0, length, length, 0)
    (pseudoSum, sequence, identification, identificationStep) = (0, 0, 0, 0)
    (networkOffset, transportOffset, isIPv4, isTCP) = (0, 0, false, false)
  }

  @inlinable
  init(_ header: VirtioNetHeader, _ summary: PacketSummary, step: UInt16) {
    refusal = nil
    payloadLength = Int(summary.payloadLength)
    segmentSize = Int(header.gsoSize)
    // Without payload: one packet all the same.
    count = max(1, (payloadLength &+ segmentSize &- 1) / segmentSize)
    networkOffset = Int(summary.networkOffset)
    transportOffset = Int(summary.transportOffset)
    headerLength = Int(summary.payloadOffset)
    pseudoSum = InternetChecksum.pseudoHeader(summary.key, length: 0)
    (sequence, identification, identificationStep) = (summary.sequence, summary.identification, step)
    (isIPv4, isTCP) = (summary.key.version == 4, summary.key.ipProtocol == .tcp)
  }

  /// Bytes that packet `number` is going to have.
  @inlinable
  public func length(_ number: Int) -> Int {
    headerLength &+ min(segmentSize, payloadLength &- number &* segmentSize)
  }

  /// Writes the headers of packet `number` and says which bytes follow them.
  ///
  /// - Parameters:
  ///   - number: 0 ..< `count`.
  ///   - frame: the frame that this was made from, unchanged since.
  ///   - bytes: where to; `maximumHeader` bytes are always enough.
  /// - Complexity: O(bytes of the packet): they are summed.
  @inlinable
  public func writeSegment(_ number: Int, of frame: RawSpan, to bytes: inout MutableRawSpan) -> Segment {
    precondition(number >= 0 && number < count, "a segment that the frame does not make")
    guard headerLength > 0 else { return Segment(headerLength: 0, payload: 0..<payloadLength) }
    let start = number &* segmentSize
    let length = min(segmentSize, payloadLength &- start)
    let first = headerLength &+ start
    bytes.copy(frame.extracting(first: headerLength))
    writeNetwork(number, transportLength: headerLength &- transportOffset &+ length, &bytes)
    writeTransport(number, length: length, frame.extracting(first..<first &+ length), &bytes)
    return Segment(headerLength: headerLength, payload: first..<first &+ length)
  }

  @inlinable
  func writeNetwork(_ number: Int, transportLength: Int, _ bytes: inout MutableRawSpan) {
    let extent = transportOffset &- networkOffset &+ transportLength
    guard isIPv4 else {
      let payload = UInt16(truncatingIfNeeded: extent &- 40).byteSwapped
      bytes.storeBytes(of: payload, toByteOffset: networkOffset &+ 4, as: UInt16.self)
      return
    }
    // Length and identification are neighbours, at an even offset of the header.
    let total = UInt16(truncatingIfNeeded: extent).byteSwapped
    let id = (identification &+ UInt16(truncatingIfNeeded: number) &* identificationStep).byteSwapped
    let new = UInt32(total) | UInt32(id) &<< 16
    let old = bytes.bytes.doubleWord(networkOffset &+ 2)
    // Updated rather than computed: a header that was damaged stays recognisable.
    let checksum = InternetChecksum.update(bytes.bytes.word(networkOffset &+ 10), from: old, to: new)
    bytes.storeBytes(of: new, toByteOffset: networkOffset &+ 2, as: UInt32.self)
    bytes.storeBytes(of: checksum, toByteOffset: networkOffset &+ 10, as: UInt16.self)
  }

  @inlinable
  func writeTransport(_ number: Int, length: Int, _ payload: RawSpan, _ bytes: inout MutableRawSpan) {
    let transportLength = UInt16(truncatingIfNeeded: headerLength &- transportOffset &+ length).byteSwapped
    let place = transportOffset &+ (isTCP ? 16 : 6)
    if isTCP {
      let sequence = sequence &+ UInt32(truncatingIfNeeded: number &* segmentSize)
      bytes.storeBytes(of: sequence.byteSwapped, toByteOffset: transportOffset &+ 4, as: UInt32.self)
      let flags = bytes.bytes.byte(transportOffset &+ 13) & tcpFlags(number)
      bytes.storeBytes(of: flags, toByteOffset: transportOffset &+ 13, as: UInt8.self)
    } else {
      bytes.storeBytes(of: transportLength, toByteOffset: transportOffset &+ 4, as: UInt16.self)
    }
    bytes.storeBytes(of: 0, toByteOffset: place, as: UInt16.self)
    // A transport header is an even number of bytes, so the payload's sum goes on from its own.
    var sum = InternetChecksum.sum(
      bytes.bytes.extracting(transportOffset..<headerLength), pseudoSum &+ UInt64(transportLength))
    sum = InternetChecksum.sum(payload, sum)
    let checksum = isTCP ? InternetChecksum.finish(sum) : InternetChecksum.finishUDP(sum)
    bytes.storeBytes(of: checksum, toByteOffset: place, as: UInt16.self)
  }

  /// The TCP flags that segment `number` may have.
  @inlinable
  func tcpFlags(_ number: Int) -> UInt8 {
    let withoutEnd: UInt8 = number &+ 1 < count ? ~0x09 : 0xFF
    return number > 0 ? withoutEnd & 0x7F : withoutEnd
  }
}
