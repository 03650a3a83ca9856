import Captures
import Measuring
import XSKEngine

/// A capture's frames, in memory, as they are to be sent.
struct CaptureFrames {
  private(set) var frames: [[UInt8]] = []
  /// Of each: nanoseconds behind the first.
  private(set) var times: [UInt64] = []
  /// Frames that were left out, by reason.
  private(set) var skipped: [String: Int] = [:]

  /// Bytes of a capture that are kept in memory at most.
  static let maximumBytes = 1 << 30

  /// - Parameter longest: bytes of a frame that the device takes.
  init(_ path: String, longest: Int) throws(XSKError) {
    var reader = try CaptureReader(path)
    guard reader.link == .ethernet else {
      throw XSKError(path, "has packets without Ethernet headers", remedy: "give a capture of an Ethernet device")
    }
    var (start, total): (Int64?, Int) = (nil, 0)
    while let record = try reader.next() {
      let bytes = reader.bytes
      let time = record.seconds * 1_000_000_000 + Int64(record.nanoseconds)
      let reason: String? =
        switch bytes.byteCount {
        case ..<14: "shorter than an Ethernet header"
        case ..<Int(record.length): "cut off when they were captured"
        case (longest + 1)...: "longer than the device takes (\(longest) bytes)"
        default: nil
        }
      if let reason {
        skipped[reason, default: 0] += 1
        continue
      }
      total += bytes.byteCount
      guard total <= Self.maximumBytes else {
        throw XSKError(path, "has more than \(Self.maximumBytes >> 20) MiB of frames", remedy: "give a part of it")
      }
      if start == nil { start = time }
      // Captures of several queues are not always in order: a frame never leaves ahead of its predecessor.
      times.append(max(times.last ?? 0, UInt64(max(0, time - (start ?? time)))))
      // Copied before the reader goes on.
      unsafe frames.append(bytes.withUnsafeBytes { unsafe Array($0) })
    }
    guard !frames.isEmpty else { throw XSKError(path, "has no frame to send", remedy: "give another capture") }
  }

  /// The capture's own timing, again and again, `speed` times as fast.
  func pace(speed: Double) -> FramePacer.Schedule {
    let scaled = times.map { UInt64(Double($0) / speed) }
    let last = scaled.last ?? 0
    // The pause before the next lap: what lies between two frames on average.
    let pause = scaled.count > 1 ? last / UInt64(scaled.count - 1) : 1_000_000
    return .times(scaled, period: last + max(pause, 1))
  }
}
