import XSKEngine

/// Frames to send, one after the other, as the live-frame generator makes them: lengths by schedule, flows in turn, numbered
/// probes. For whoever sends by other means.
public struct FrameComposer: ~Copyable {
  private var storage: FixedArray<UInt8>
  /// Of each frame: where its bytes begin in the storage, and how many they are.
  private let places: FixedArray<Place>
  private let order: FixedArray<Int32>
  private let fields: FixedArray<FrameFields>
  private let flows: UInt32
  private let probe: ProbeStream?
  private var step = 0
  private var current = Place(start: 0, length: 0)
  private var flow: UInt32 = 0
  /// Frames composed so far; the next probe's number.
  public private(set) var count: UInt64 = 0
  public private(set) var byteCount: UInt64 = 0

  // Not private: the compiler (6.3) can't link a private type that is an argument of a generic one.
  struct Place: BitwiseCopyable {
    var start: Int
    var length: Int
  }

  /// - Parameters:
  ///   - frames: any number of any length; alike but for lengths if there are several flows or probes.
  ///   - schedule: which of the frames leave in turn; empty: all, in their order.
  /// - Throws: as `LiveFrameGenerator.init`.
  public init(
    frames: [[UInt8]], schedule: [Int] = [], flows: UInt32 = 1, probe: ProbeStream? = nil
  ) throws(XSKError) {
    guard !frames.isEmpty else { throw XSKError("frames to send", "none", remedy: "give one or more") }
    guard flows > 0 else { throw XSKError("0 flows", "out of range", remedy: "use 1 or more") }
    var places: [Place] = []
    for frame in frames {
      places.append(Place(start: places.last.map { $0.start + $0.length } ?? 0, length: frame.count))
    }
    // All that can fail comes first: a noncopyable value is made as a whole.
    let varies = flows > 1 || probe != nil
    let made = varies ? try frames.map { frame throws(XSKError) in try FrameFields(frame) } : []
    fields = FixedArray(made)
    storage = FixedArray(frames.flatMap { $0 })
    self.places = FixedArray(places)
    order = FixedArray((schedule.isEmpty ? Array(frames.indices) : schedule).map { Int32($0) })
    self.flows = flows
    self.probe = probe
  }

  /// Bytes of the next frame.
  public var nextLength: Int { places[Int(order[step])].length }

  /// Composes the next frame. `frame` is it until the next call.
  ///
  /// - Parameter time: CLOCK_MONOTONIC in nanoseconds, for a probe.
  public mutating func compose(time: UInt64) {
    let index = Int(order[step])
    current = places[index]
    step += 1
    if step == order.count { step = 0 }
    if fields.count > 0 { vary(fields[index], time) }
    flow = flow + 1 == flows ? 0 : flow + 1
    count &+= 1
    byteCount &+= UInt64(current.length)
  }

  /// The frame that was composed last.
  public var frame: RawSpan {
    @_lifetime(borrow self)
    get {
      // A span of bytes has no padding to be read by mistake.
      unsafe storage.span.bytes.extracting(current.start..<current.start + current.length)
    }
  }

  /// Checksums are worked out from the template's fields, and everything that varies is written each time.
  private mutating func vary(_ field: FrameFields, _ time: UInt64) {
    let payload = probe.map { ProbePayload(stream: $0.number, sequence: count, time: $0.isTimed(count) ? time : 0) }
    let flow = flow
    storage.withBytes(current.start, current.length) { field.write(flow: flow, probe: payload, into: &$0) }
  }
}
