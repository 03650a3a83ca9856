import CXsk
import Glibc
import XSKEngine

/// The generator's XDP program, loaded and configured for its frames, device and number of flows.
struct LiveFrameProgram: Sendable {
  typealias Configuration = LiveFrameGenerator.Configuration

  /// What it has sent.
  struct Sent: Hashable, Sendable {
    var packets: UInt64
    var bytes: UInt64
    /// How long it was kept from sending while it had a rate.
    var heldNanoseconds: UInt64
  }

  private let object: BPFObject
  private let program: CInt
  private let state: CInt
  private let configMap: CInt
  /// The longest frame: what the kernel is given, and shortens for the others.
  private let frame: [UInt8]
  private let configuration: Configuration
  private let ifindex: Int32

  static let maximumFrames = 16
  static let maximumSchedule = 256

  init(_ configuration: Configuration, ifindex: Int32) throws(XSKError) {
    try Self.validate(configuration)
    object = try BPFObject(.live_frames)
    program = try object.program("live_frames")
    state = try object.map("state_map")
    configMap = try object.map("config_map")
    self.configuration = configuration
    self.ifindex = ifindex
    frame = configuration.frames.max { $0.count < $1.count } ?? []
    try setRate(configuration.rate)
  }

  private static func validate(_ configuration: Configuration) throws(XSKError) {
    let frames = configuration.frames
    guard 1...maximumFrames ~= frames.count else {
      throw XSKError("\(frames.count) frame lengths", "out of range", remedy: "use 1 to \(maximumFrames)")
    }
    for frame in frames where !(60...1514 ~= frame.count) {
      throw XSKError("frame of \(frame.count) bytes", "not one the generator can send", remedy: "use 60 to 1514 bytes")
    }
    guard configuration.schedule.count <= maximumSchedule, configuration.schedule.allSatisfy({ Int($0) < frames.count })
    else {
      throw XSKError("schedule of frames", "out of range", remedy: "name at most \(maximumSchedule) of the frames")
    }
    guard 1...(1 << 24) ~= configuration.flows else {
      throw XSKError("\(configuration.flows) flows", "out of range", remedy: "use 1 to 16777216")
    }
  }

  /// Frames a second, 1000 or more; nil: as many as go. Also while it runs: nothing else in the map changes.
  func setRate(_ rate: Double?) throws(XSKError) {
    guard rate ?? 1000 >= 1000 else {
      throw XSKError("rate of \(rate ?? 0)", "out of range", remedy: "use 1000 frames a second or more")
    }
    let config = try config(interval: rate.map { UInt32(1e12 / $0) } ?? 0)
    // The map's value is as long as the array; the kernel copies it.
    let code = unsafe cxsk_lab_map_set(configMap, 0, config)
    guard code == 0 else {
      throw XSKError("generator", refused: "can't be configured", code: code, remedy: "run as root (CAP_BPF)")
    }
  }

  /// Bytes of `struct live_frames_state`.
  private static let stateBytes: UInt32 = 64

  /// Frames that the program has redirected so far.
  var sent: UInt64 { BPFObject.sum(state, valueBytes: Self.stateBytes) }

  var totals: Sent {
    Sent(
      packets: sent, bytes: BPFObject.sum(state, valueBytes: Self.stateBytes, offset: 24),
      heldNanoseconds: BPFObject.sum(state, valueBytes: Self.stateBytes, offset: 56))
  }

  /// Sends `count` frames from the calling thread's CPU and namespace. 0 or a negative errno.
  func run(_ count: UInt32, batch: UInt32) -> CInt {
    // The kernel copies the frame during the call.
    unsafe cxsk_lab_run_live(program, frame, UInt32(frame.count), count, batch)
  }

  /// `struct live_frames_config` of live_frames.bpf.c, byte for byte.
  private func config(interval: UInt32) throws(XSKError) -> [UInt8] {
    var bytes: [UInt8] = []
    func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
      // The integer's bytes in host order, copied before the closure ends.
      unsafe withUnsafeBytes(of: value) { unsafe bytes += $0 }
    }
    let varies = configuration.flows > 1 || configuration.probe != nil
    let fields = varies ? try configuration.frames.map { frame throws(XSKError) in try FrameFields(frame) } : []
    let first = fields.first
    append(UInt64(configuration.window.map { max(1, $0 / .nanoseconds(1)) } ?? 0))
    append(UInt64(configuration.probe?.number ?? 0) << 48)
    append(ifindex)
    append(configuration.flows)
    append(first?.family ?? 0)
    append(first.map { $0.isTCP ? UInt16(1) : 0 } ?? 0)
    append(first?.port ?? 0)
    append(first?.address ?? 0)
    append(interval)
    append(configuration.probe == nil ? 0 : UInt16(first?.payload ?? 0))
    append(configuration.probe?.timeEvery ?? 0)
    append(UInt32(frame.count))
    append(UInt32(max(1, configuration.schedule.count)))
    let schedule = configuration.schedule
    bytes += schedule + [UInt8](repeating: 0, count: Self.maximumSchedule - schedule.count)
    for (place, frame) in configuration.frames.enumerated() {
      append(UInt16(frame.count))
      append(varies ? fields[place].ipChecksum : 0)
      append(varies ? fields[place].transportChecksum : 0)
      append(UInt16(0))
      bytes += frame.prefix(64) + [UInt8](repeating: 0, count: max(0, 64 - frame.count))
    }
    let classBytes = 72
    return bytes + [UInt8](repeating: 0, count: classBytes * (Self.maximumFrames - configuration.frames.count))
  }
}
