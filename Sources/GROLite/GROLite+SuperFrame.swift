import PacketHeaders

/// Linear mode's end: an aggregate as one super-frame, in pieces that `writev` can gather: a virtio-net header, the frame's
/// headers (made here), and each packet's payload where it lies.
extension GROLite {
  /// Writes the headers of an aggregate's super-frame: those of its first packet, with lengths, IPv4 checksum and TCP flags
  /// of the whole, and the pseudo-header's sum where the receiver (or its NIC) completes the checksum.
  ///
  /// - Parameters:
  ///   - unit: an aggregate of form `.linear`.
  ///   - batch: the burst that it came from.
  ///   - bytes: where to, at least `summary(of: unit).payloadOffset` bytes; 256 are always enough.
  /// - Returns: what stands before the super-frame on a TAP device. Its `headerLength` says how many bytes were written.
  /// - Precondition: the unit's form is `.linear`.
  @inlinable
  public func writeSuperFrameHeader<Batch: PacketBatch & ~Copyable & ~Escapable>(
    of unit: GROUnit, _ batch: borrowing Batch, to bytes: inout MutableRawSpan
  ) -> VirtioNetHeader {
    precondition(unit.form == .linear, "only an aggregate with verified checksums becomes a super-frame")
    let summary = summary(of: unit)
    let length = Int(summary.payloadOffset)
    bytes.copy(batch.bytes(at: unit.first).extracting(first: length))
    writeLengths(unit, summary, to: &bytes)
    let isTCP = summary.key.ipProtocol == .tcp
    var header = VirtioNetHeader()
    header.flags = VirtioNetHeader.needsChecksum
    header.gsoType =
      isTCP
      ? summary.key.version == 4 ? VirtioNetHeader.gsoTCPv4 : VirtioNetHeader.gsoTCPv6 : VirtioNetHeader.gsoUDP
    header.headerLength = summary.payloadOffset
    header.gsoSize = UInt16(truncatingIfNeeded: unit.segmentSize)
    header.checksumStart = summary.transportOffset
    header.checksumOffset = isTCP ? 16 : 6
    return header
  }

  /// Calls `body` with each piece of an aggregate's payload: the packet's index in the burst, and the payload's offset and
  /// length in it.
  @inlinable @inline(always)
  public func forEachPayload(of unit: GROUnit, _ body: (_ index: Int, _ offset: Int, _ length: Int) -> Void) {
    // Headers are equally long in all packets of a unit, and all segments but the last are full.
    let offset = Int(summary(of: unit).payloadOffset)
    var left = unit.payloadLength
    forEachPacket(of: unit) { index in
      body(index, offset, min(left, unit.segmentSize))
      left &-= unit.segmentSize
    }
  }

  @inlinable
  func writeLengths(_ unit: GROUnit, _ summary: PacketSummary, to bytes: inout MutableRawSpan) {
    let network = Int(summary.networkOffset)
    let transport = Int(summary.transportOffset)
    let transportLength = Int(summary.payloadOffset) &- transport &+ unit.payloadLength
    if summary.key.version == 4 {
      let total = UInt16(truncatingIfNeeded: transport &- network &+ transportLength).byteSwapped
      let old = bytes.bytes.word(network &+ 2)
      let checksum = InternetChecksum.update(bytes.bytes.word(network &+ 10), from: old, to: total)
      bytes.storeBytes(of: total, toByteOffset: network &+ 2, as: UInt16.self)
      bytes.storeBytes(of: checksum, toByteOffset: network &+ 10, as: UInt16.self)
    } else {
      let payload = UInt16(truncatingIfNeeded: transport &- network &- 40 &+ transportLength).byteSwapped
      bytes.storeBytes(of: payload, toByteOffset: network &+ 4, as: UInt16.self)
    }
    // Not complemented: whoever completes it sums over it.
    let pseudo = InternetChecksum.fold(InternetChecksum.pseudoHeader(summary.key, length: transportLength))
    if summary.key.ipProtocol == .tcp {
      let flags = summary.tcpFlags.rawValue | unit.lateFlags
      bytes.storeBytes(of: flags, toByteOffset: transport &+ 13, as: UInt8.self)
      bytes.storeBytes(of: pseudo, toByteOffset: transport &+ 16, as: UInt16.self)
    } else {
      let length = UInt16(truncatingIfNeeded: transportLength).byteSwapped
      bytes.storeBytes(of: length, toByteOffset: transport &+ 4, as: UInt16.self)
      bytes.storeBytes(of: pseudo, toByteOffset: transport &+ 6, as: UInt16.self)
    }
  }
}

extension MutableRawSpan {
  /// Copies `source` to the start.
  ///
  /// - Precondition: there is room for it.
  @inlinable
  mutating func copy(_ source: RawSpan) {
    precondition(source.byteCount <= byteCount, "a header larger than the room for it")
    unsafe withUnsafeMutableBytes { target in
      // Both are at least `source.byteCount` bytes long.
      unsafe source.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
  }
}
