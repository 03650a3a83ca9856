import XSKEngine

/// Where the frames of a generator differ: flows in the source port and the end of the source address, probes in their payload,
/// and the checksums over all that.
struct FrameFields: Hashable, Sendable, BitwiseCopyable {
  /// 4 or 6.
  let family: UInt16
  let isTCP: Bool
  /// Of flow 0: source port, and the last 16 bits of the source address.
  let port: UInt16
  let address: UInt16
  let ipChecksum: UInt16
  /// 0 with UDP: not in use.
  let transportChecksum: UInt16

  /// Flows of one source address.
  static let portBits: UInt32 = 14

  var transport: Int { family == 4 ? 34 : 54 }
  /// Where the payload begins: TCP headers of templates have no options.
  var payload: Int { transport + (isTCP ? 20 : 8) }
  private var checksumOffset: Int { transport + (isTCP ? 16 : 6) }

  /// Reads them from an untagged UDP or TCP frame without IP options.
  init(_ frame: [UInt8]) throws(XSKError) {
    func field(_ offset: Int) -> UInt16 { UInt16(frame[offset]) << 8 | UInt16(frame[offset + 1]) }
    let isIPv4 = field(12) == 0x0800 && frame[14] == 0x45
    let number = isIPv4 ? frame[23] : frame[20]
    let headers = (isIPv4 ? 34 : 54) + (number == 6 ? 20 : 8)
    guard isIPv4 || field(12) == 0x86dd, number == 6 || number == 17, frame.count >= headers else {
      throw XSKError(
        "generator's frame", "not plain UDP or TCP", remedy: "use such a frame, or a single flow and no probes")
    }
    let transport = isIPv4 ? 34 : 54
    family = isIPv4 ? 4 : 6
    isTCP = number == 6
    port = field(transport)
    address = isIPv4 ? field(28) : field(36)
    ipChecksum = isIPv4 ? field(24) : 0
    transportChecksum = field(transport + (number == 6 ? 16 : 6))
  }

  /// Writes flow, probe and checksums into a frame, as live_frames.bpf.c does.
  ///
  /// - Parameter bytes: a copy of the template.
  func write(flow: UInt32, probe: ProbePayload?, into bytes: inout MutableRawSpan) {
    let flowPort = port &+ UInt16(flow & (1 << Self.portBits - 1))
    let flowAddress = address &+ UInt16(truncatingIfNeeded: flow >> Self.portBits)
    let change = UInt64(~port) + UInt64(flowPort) + UInt64(~address) + UInt64(flowAddress)
    var sum = UInt64(~transportChecksum) + change
    if let probe {
      let first = probe.first
      bytes.put(first, at: payload + 2)
      bytes.put(probe.time, at: payload + 10)
      sum += (first >> 32) + (first & 0xffff_ffff) + (probe.time >> 32) + (probe.time & 0xffff_ffff)
    }
    if family == 4 {
      bytes.put(~Self.folded(UInt64(~ipChecksum) + UInt64(~address) + UInt64(flowAddress)), at: 24)
      bytes.put(flowAddress, at: 28)
    } else {
      bytes.put(flowAddress, at: 36)
    }
    bytes.put(flowPort, at: transport)
    guard isTCP || transportChecksum != 0 else { return }
    let value = ~Self.folded(sum)
    // Zero would say "no checksum" in UDP.
    bytes.put(value != 0 || isTCP ? value : 0xffff, at: checksumOffset)
  }

  private static func folded(_ sum: UInt64) -> UInt16 {
    var sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32)
    sum = (sum & 0xffff) + (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16)
    return UInt16(truncatingIfNeeded: sum)
  }
}

extension MutableRawSpan {
  /// Writes an integer in network order; the span checks the offset.
  fileprivate mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
  }
}
