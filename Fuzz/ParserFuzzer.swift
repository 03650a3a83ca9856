@testable import PacketHeaders

/// Any bytes, parsed both ways: whatever the summary says must hold for the bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzParser(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  // libFuzzer's buffer lives for this call.
  let bytes = unsafe RawSpan(_unsafeStart: data, byteCount: size)
  for link in [PacketSummary.LinkLayer.ethernet, .rawIP] {
    for length in [size, size + 1_000] { check(PacketSummary(bytes, length: length, link: link), bytes, length) }
  }
  var short = PacketSummary()
  if short.parseCommon(bytes, length: size) {
    var whole = PacketSummary()
    whole.parseAny(ethernet: bytes, length: size)
    precondition(short.key == whole.key && short.flags == whole.flags && whole.malformation == .none)
    precondition(short.payloadOffset == whole.payloadOffset && short.payloadLength == whole.payloadLength)
    precondition(short.networkWord == whole.networkWord && short.tcpWord == whole.tcpWord)
  }
  return 0
}

func check(_ summary: PacketSummary, _ bytes: RawSpan, _ length: Int) {
  if summary.isMalformed {
    precondition(!summary.flags.contains(.mergeable))
    return
  }
  precondition(summary.networkOffset <= summary.transportOffset && summary.transportOffset <= summary.payloadOffset)
  precondition(summary.endOffset <= length || !summary.isIP)
  precondition(summary.isTCP || summary.isUDP || !summary.flags.contains(.mergeable))
  if summary.isTCP { precondition(Int(summary.payloadOffset) <= bytes.byteCount) }
  let verdict = InternetChecksum.verifyTransport(bytes, summary)
  precondition(verdict == .unknown || summary.isIP)
}
