import GROLite
import PacketHeaders

/// Any virtio-net header and any frame: what is not refused makes packets that are well formed, whole, and have right
/// checksums.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSegmenter(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  guard size >= 10 else { return 0 }
  // libFuzzer's buffer lives for this call; the copy of the frame is freed at its end.
  let bytes = unsafe RawSpan(_unsafeStart: data, byteCount: size)
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size - 10, alignment: 1)
  defer { unsafe memory.deallocate() }
  unsafe memory.copyMemory(from: UnsafeRawBufferPointer(start: data + 10, count: size - 10))
  var frame = unsafe MutableRawSpan(_unsafeBytes: memory)
  let summary = PacketSummary(frame.bytes)
  var virtio = VirtioNetHeader(bytes)
  // Half of the inputs are made to fit their frame, or few would get past the first checks.
  if virtio.flags & 0x80 != 0 { fit(&virtio, summary) }
  let segmenter = Segmenter(virtio, &frame)
  guard segmenter.refusal == nil else {
    precondition(segmenter.count == 0)
    return 0
  }
  guard virtio.gsoType != 0 else {
    precondition(segmenter.count == 1 && segmenter.length(0) == size - 10)
    return 0
  }
  precondition(segmenter.count >= 1 && segmenter.count <= 65_535)
  var total = 0
  for number in 0..<segmenter.count { total += check(segmenter, number, frame.bytes, virtio) }
  precondition(total == Int(summary.payloadLength))
  return 0
}

func fit(_ virtio: inout VirtioNetHeader, _ summary: PacketSummary) {
  let tcp = summary.key.version == 4 ? VirtioNetHeader.gsoTCPv4 : VirtioNetHeader.gsoTCPv6
  virtio.flags |= VirtioNetHeader.needsChecksum
  virtio.gsoType = summary.isTCP ? tcp : VirtioNetHeader.gsoUDP
  virtio.checksumStart = summary.transportOffset
  virtio.checksumOffset = summary.isTCP ? 16 : 6
}

/// - Returns: the packet's payload bytes.
func check(_ segmenter: Segmenter, _ number: Int, _ frame: RawSpan, _ virtio: VirtioNetHeader) -> Int {
  var packet = [UInt8](repeating: 0, count: Segmenter.maximumHeader)
  var span = packet.mutableSpan
  var header = unsafe span.mutableBytes
  let segment = segmenter.writeSegment(number, of: frame, to: &header)
  precondition(segment.length == segmenter.length(number))
  packet.removeLast(Segmenter.maximumHeader - segment.headerLength)
  let payload = frame.extracting(segment.payload)
  for offset in 0..<payload.byteCount {
    packet.append(unsafe payload.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
  }
  let whole = unsafe packet.span.bytes
  let summary = PacketSummary(whole)
  precondition(!summary.isMalformed && summary.endOffset == packet.count)
  precondition(Int(summary.payloadLength) <= Int(virtio.gsoSize))
  precondition(InternetChecksum.verifyTransport(whole, summary) == .good)
  return Int(summary.payloadLength)
}
