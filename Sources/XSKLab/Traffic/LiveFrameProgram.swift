import CXsk
import Glibc
import XSKEngine

/// The generator's XDP program, loaded and configured for one frame, device and number of flows.
struct LiveFrameProgram: Sendable {
  private let object: BPFObject
  private let program: CInt
  private let state: CInt
  private let frame: [UInt8]

  /// `rate`: frames a second, 1000 or more; nil: as many as go.
  init(frame: [UInt8], ifindex: Int32, flows: UInt32, rate: Double?) throws(XSKError) {
    guard 64...1514 ~= frame.count else {
      throw XSKError("frame of \(frame.count) bytes", "not one the generator can send", remedy: "use 64 to 1514 bytes")
    }
    guard 1...(1 << 24) ~= flows else {
      throw XSKError("\(flows) flows", "out of range", remedy: "use 1 to 16777216")
    }
    guard rate ?? 1000 >= 1000 else {
      throw XSKError("rate of \(rate ?? 0)", "out of range", remedy: "use 1000 frames a second or more")
    }
    object = try BPFObject(.live_frames)
    program = try object.program("live_frames")
    state = try object.map("state_map")
    self.frame = frame
    let config = try Self.config(frame, ifindex, flows, interval: rate.map { UInt32(1e12 / $0) } ?? 0)
    // The map's value is as long as the array; the kernel copies it.
    let code = unsafe cxsk_lab_map_set(try object.map("config_map"), 0, config)
    guard code == 0 else {
      throw XSKError("generator", refused: "can't be configured", code: code, remedy: "run as root (CAP_BPF)")
    }
  }

  /// Frames that the program has redirected so far.
  var sent: UInt64 { BPFObject.sum(state, valueBytes: 24) }

  /// Sends `count` frames from the calling thread's CPU and namespace. 0 or a negative errno.
  func run(_ count: UInt32, batch: UInt32) -> CInt {
    // The kernel copies the frame during the call.
    unsafe cxsk_lab_run_live(program, frame, UInt32(frame.count), count, batch)
  }

  /// `struct live_frames_config` of live_frames.bpf.c, byte for byte.
  private static func config(
    _ frame: [UInt8], _ ifindex: Int32, _ flows: UInt32, interval: UInt32
  ) throws(XSKError) -> [UInt8] {
    var bytes: [UInt8] = []
    func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
      // The integer's bytes in host order, copied before the closure ends.
      unsafe withUnsafeBytes(of: value) { unsafe bytes += $0 }
    }
    let fields = flows == 1 ? VariedFields() : try VariedFields(frame)
    append(ifindex)
    append(flows)
    append(fields.family)
    append(fields.tcp)
    append(fields.port)
    append(fields.address)
    append(fields.ipChecksum)
    append(fields.transportChecksum)
    append(interval)
    return bytes + frame.prefix(64)
  }
}

/// Where flows differ: the template's source port and the end of its source address, and the checksums over them.
private struct VariedFields {
  var family: UInt16 = 0
  var tcp: UInt16 = 0
  var port: UInt16 = 0
  var address: UInt16 = 0
  var ipChecksum: UInt16 = 0
  var transportChecksum: UInt16 = 0

  init() {}

  /// Reads them from an untagged frame without IP options.
  init(_ frame: [UInt8]) throws(XSKError) {
    func field(_ offset: Int) -> UInt16 { UInt16(frame[offset]) << 8 | UInt16(frame[offset + 1]) }
    let isIPv4 = field(12) == 0x0800 && frame[14] == 0x45
    let number = isIPv4 ? frame[23] : frame[20]
    guard isIPv4 || field(12) == 0x86dd, number == 6 || number == 17, frame.count >= (isIPv4 ? 54 : 74) || number == 17
    else {
      throw XSKError("generator's frame", "not plain UDP or TCP", remedy: "use such a frame, or a single flow")
    }
    let transport = isIPv4 ? 34 : 54
    family = isIPv4 ? 4 : 6
    tcp = number == 6 ? 1 : 0
    port = field(transport)
    address = isIPv4 ? field(28) : field(36)
    ipChecksum = isIPv4 ? field(24) : 0
    transportChecksum = field(transport + (number == 6 ? 16 : 6))
  }
}
