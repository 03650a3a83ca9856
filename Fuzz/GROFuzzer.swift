import GROLite
import PacketHeaders

/// Bursts of packets that are nearly alike: the input says how each departs from a good one. Whatever comes in, every
/// packet must come out once, and super-frames must have room.
///
/// Input: a byte of configuration, then 6 bytes a packet: template, sequence (4 units of 32 bytes), payload length, an offset
/// and a value to XOR there, and whether checksums are mended after that or bytes are cut off.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGRO(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  guard size > 1 else { return 0 }
  // libFuzzer's buffer lives for this call.
  let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  let holds = input[0] & 2 != 0
  var gro = GROLite(
    GROConfiguration(mode: input[0] & 1 == 0 ? .chain : .linear, capacity: 256, holdTime: holds ? 3 : 0, holdLimit: 64))
  var (held, now): ([[UInt8]], UInt64) = ([], 0)
  var frames: [[UInt8]] = []
  for start in stride(from: 1, to: size - 5, by: 6) {
    frames.append(FuzzFrame.make(Array(input[start..<start + 6])))
    // 0xFF as the last byte ends the burst.
    guard input[start + 5] == 0xFF || frames.count == 128 else { continue }
    held = deliver(&gro, held + frames, now, last: false)
    (frames, now) = ([], now + 1)
  }
  held = deliver(&gro, held + frames, now, last: true)
  precondition(held.isEmpty)
  return 0
}

func deliver(_ gro: inout GROLite, _ frames: [[UInt8]], _ now: UInt64, last: Bool) -> [[UInt8]] {
  let batch = FuzzBatch(frames)
  gro.process(batch, now: now, deliverHeld: last)
  var seen = [Int](repeating: 0, count: frames.count)
  for number in 0..<gro.unitCount {
    let unit = gro.unit(number)
    var bytes = 0
    gro.forEachPacket(of: unit) { seen[$0] += 1 }
    gro.forEachPayload(of: unit) { index, offset, length in
      bytes += length
      if unit.count > 1 { precondition(length > 0 && offset + length <= frames[index].count) }
    }
    precondition(bytes == unit.payloadLength)
    if unit.form == .linear { writeHeader(gro, unit, batch) }
  }
  let held = (0..<gro.heldCount).map { gro.heldPacket($0) }
  for index in held { seen[index] += 1 }
  precondition(seen.allSatisfy { $0 == 1 }, "every packet comes out once")
  return held.map { frames[$0] }
}

func writeHeader(_ gro: borrowing GROLite, _ unit: GROUnit, _ batch: FuzzBatch) {
  var bytes = [UInt8](repeating: 0, count: PacketSummary.maximumMergeableHeader)
  var span = bytes.mutableSpan
  // Any bit pattern is a byte.
  var target = unsafe span.mutableBytes
  let header = gro.writeSuperFrameHeader(of: unit, batch, to: &target)
  precondition(Int(header.headerLength) + unit.payloadLength <= 65_535 + 22)
}

struct FuzzBatch: PacketBatch {
  var storage: [UInt8] = []
  var ranges: [Range<Int>] = []

  init(_ frames: [[UInt8]]) {
    for frame in frames {
      ranges.append(storage.count..<storage.count + frame.count)
      storage += frame
    }
  }

  var count: Int { ranges.count }

  @_lifetime(borrow self)
  func bytes(at index: Int) -> RawSpan { unsafe storage.span.bytes.extracting(ranges[index]) }
}

enum FuzzFrame {
  static func make(_ input: [UInt8]) -> [UInt8] {
    let isIPv6 = input[0] & 1 != 0
    let isUDP = input[0] & 2 != 0
    let options: [UInt8] = input[0] & 4 != 0 && !isUDP ? [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] : []
    let payload = [UInt8](repeating: input[1], count: Int(input[2] % 64))
    var upper: [UInt8] = [0x10, input[0] >> 4, 0x20, 0x30]
    if isUDP {
      upper += [0, UInt8(8 + payload.count), 0, 1]
    } else {
      upper += [0xFF, 0xFF, UInt8(0xF0 &+ (input[1] >> 3)), input[1] << 5, 0, 0, 0, 1]
      upper += [UInt8(5 + options.count / 4) << 4, 0x10, 1, 0, 0, 0, 0, 0] + options
    }
    var frame: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] + (isIPv6 ? [0x86, 0xDD] : [0x08, 0x00])
    frame += isIPv6 ? ipv6(upper.count + payload.count, isUDP) : ipv4(upper.count + payload.count, isUDP, input[1])
    frame += upper + payload
    frame[Int(input[3]) % frame.count] ^= input[4]
    if input[5] & 1 == 0 { mend(&frame) }
    if input[5] & 6 == 6 { frame.removeLast(min(frame.count, Int(input[5] >> 3))) }
    return frame
  }

  static func ipv4(_ length: Int, _ isUDP: Bool, _ number: UInt8) -> [UInt8] {
    [0x45, 0, 0, UInt8(20 + length), 0, number, 0x40, 0, 64, isUDP ? 17 : 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
  }

  static func ipv6(_ length: Int, _ isUDP: Bool) -> [UInt8] {
    [0x60, 0, 0, 0, 0, UInt8(length), isUDP ? 17 : 6, 64] + [UInt8](repeating: 7, count: 16)
      + [UInt8](repeating: 8, count: 16)
  }

  /// Puts right checksums where a good packet has them.
  static func mend(_ frame: inout [UInt8]) {
    if frame.count >= 34 && frame[12] == 8 && frame[14] >> 4 == 4 {
      let end = min(14 + Int(frame[14] & 15) * 4, frame.count)
      set(&frame, 24, 14..<max(end, 34), 0)
    }
    let summary = unsafe PacketSummary(frame.span.bytes)
    guard summary.isTCP || summary.isUDP, summary.endOffset <= frame.count else { return }
    let start = Int(summary.transportOffset)
    let pseudo = InternetChecksum.pseudoHeader(summary.key, length: summary.endOffset - start)
    set(&frame, start + (summary.isTCP ? 16 : 6), start..<summary.endOffset, pseudo)
  }

  static func set(_ frame: inout [UInt8], _ place: Int, _ range: Range<Int>, _ initial: UInt64) {
    (frame[place], frame[place + 1]) = (0, 0)
    let checksum = unsafe InternetChecksum.finishUDP(InternetChecksum.sum(frame.span.bytes.extracting(range), initial))
    (frame[place], frame[place + 1]) = (UInt8(checksum & 0xFF), UInt8(checksum >> 8))
  }
}
