import XSKEngine

/// What a probe carries behind its transport header, 18 bytes in network order: as many as a UDP frame of Ethernet's shortest
/// length (60 bytes without FCS) has room for.
///
///      0       2        4                10                       18
///      [ magic ][ stream ][ sequence ······ ][ time ··············· ]
///
/// The same layout is written by live_frames.bpf.c.
@frozen public struct ProbePayload: Hashable, Sendable {
  public static let byteCount = 18
  public static let magic: UInt16 = 0x7870

  /// Tells the frames of one run from those of another.
  public var stream: UInt16
  /// 0, 1, … over all flows of the stream; 48 bits.
  public var sequence: UInt64
  /// When it was composed: CLOCK_MONOTONIC in nanoseconds, so of the same machine; 0: it has no time.
  public var time: UInt64

  @inlinable public init(stream: UInt16, sequence: UInt64, time: UInt64) {
    self.stream = stream
    self.sequence = sequence & 0xffff_ffff_ffff
    self.time = time
  }

  /// Finds the probe in an Ethernet frame: behind VLAN tags, IPv4 or IPv6 without extension headers, and UDP or TCP.
  ///
  /// nil: it is none.
  @inlinable public init?(frame: RawSpan) {
    guard let offset = Self.offset(in: frame), frame.byteCount >= offset + Self.byteCount,
      frame.field16(offset) == Self.magic
    else { return nil }
    let first = frame.field64(offset + 2)
    stream = UInt16(truncatingIfNeeded: first &>> 48)
    sequence = first & 0xffff_ffff_ffff
    time = frame.field64(offset + 10)
  }

  /// Where the payload of a UDP or TCP frame begins; nil: it is no such frame, or cut off.
  @inlinable static func offset(in frame: RawSpan) -> Int? {
    guard frame.byteCount >= 42 else { return nil }
    var network = 14
    var type = frame.field16(12)
    while type == 0x8100 || type == 0x88a8, frame.byteCount >= network + 24 {
      type = frame.field16(network + 2)
      network += 4
    }
    let transport: Int
    let number: UInt8
    switch type {
    case 0x0800:
      transport = network + Int(frame.field8(network) & 15) * 4
      number = frame.field8(network + 9)
    case 0x86dd:
      transport = network + 40
      number = frame.field8(network + 6)
    default: return nil
    }
    switch number {
    case 17: return transport + 8
    case 6:
      guard frame.byteCount > transport + 12 else { return nil }
      return transport + Int(frame.field8(transport + 12) &>> 4) * 4
    default: return nil
    }
  }

  /// The payload of a template: the magic number, and zeros where a generator writes.
  static let blank: [UInt8] = [UInt8(magic >> 8), UInt8(magic & 0xff)] + [UInt8](repeating: 0, count: byteCount - 2)

  /// Stream and sequence number, as they stand in a frame.
  var first: UInt64 { UInt64(stream) << 48 | sequence }
}

/// A run's probes.
public struct ProbeStream: Hashable, Sendable {
  /// The stream's number, 0…65535.
  public var number: UInt16
  /// Every how many probes one says when it was composed; 0: none does. Reading the clock costs tens of nanoseconds.
  public var timeEvery: UInt16

  public init(number: UInt16, timeEvery: UInt16 = 1) {
    self.number = number
    self.timeEvery = timeEvery
  }

  func isTimed(_ sequence: UInt64) -> Bool { timeEvery > 0 && sequence % UInt64(timeEvery) == 0 }
}

extension RawSpan {
  // Any bit pattern is a valid integer; the span checks the offset.
  @inlinable @inline(__always) func field8(_ offset: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  @inlinable @inline(__always) func field16(_ offset: Int) -> UInt16 {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self).bigEndian
  }

  @inlinable @inline(__always) func field64(_ offset: Int) -> UInt64 {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).bigEndian
  }
}

extension FrameTemplate {
  /// Bytes that a frame has to have to carry a probe.
  public var probeBytes: Int { headerBytes + ProbePayload.byteCount }

  /// A frame of `size` bytes, without FCS, with room for a probe that a generator fills in.
  ///
  /// - Throws: `XSKError` if it is too short for headers and probe, or an address isn't one.
  public func probeFrame(size: Int) throws(XSKError) -> [UInt8] {
    guard size >= probeBytes else {
      throw XSKError(
        "frame of \(size) bytes", "too short for its headers and a probe",
        remedy: "use \(probeBytes) bytes or more, or send no probes")
    }
    return try frame(
      payload: ProbePayload.blank + (0..<size - probeBytes).map { UInt8(truncatingIfNeeded: $0) })
  }
}
