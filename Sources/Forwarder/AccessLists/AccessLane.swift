import XSKEngine

/// What a worker keeps of an access list, its limits' tokens too, in 128 bytes: two cache lines side by side. Of none: every packet
/// passes.
struct AccessLane: BitwiseCopyable, Sendable {
  /// Of up to 64 compiled rules those of the list, a bit each, if protocol and ports are all that they ask for.
  var mask: UInt64 = 0
  /// And those of them that drop.
  var drops: UInt64 = 0
  /// What the number of a compiled rule lacks to its place among entries and counters.
  var offset: Int32 = 0
  /// Where counters are of what the limits let pass, and of what is more than the limit in packets and in bits. 0, which is a rule's
  /// or a last resort's place: there is no limit.
  var passed: UInt32 = 0
  var packetsExceeded: UInt32 = 0
  var bitsExceeded: UInt32 = 0
  /// Its rules among the compiled ones; empty in `range` where `mask` says all.
  var rules = RuleRange(0..<0)
  var range = RuleRange(0..<0)
  /// What packets get that are more than a limit.
  var packetsVerdict = Verdict.drop(.rateLimit)
  var bitsVerdict = Verdict.drop(.rateLimit)
  /// What has to be known of packets that meet it, beyond that it is none: bits.
  var kind: UInt8 = 0
  private let unused: UInt64 = 0
  /// The limits', if there are any.
  var buckets = PairedBuckets()
  private let unusedToo: UInt64 = 0

  static var asksForFlow: UInt8 { 1 }
  static var asksForMore: UInt8 { 2 }
  /// Beside `asksForMore`: packets of a unit may meet different rules.
  static var looksBeyondFlow: UInt8 { 4 }

  var isLimited: Bool { passed != 0 }

  /// The numbers of the lanes that a packet meets.
  ///
  /// - Parameter ports: that it came in on, in bits 8 to 15; that it is routed to, in the lower ones.
  @inline(__always) static func arriving(_ ports: UInt32) -> Int { Int(ports &>> 8 & 0xFF) &* 2 }
  @inline(__always) static func leaving(_ ports: UInt32) -> Int { Int(ports & 0xFF) &* 2 &+ 1 }
}

/// Two lanes for every port that there can be. One worker's own.
@safe final class AccessLanes: @unchecked Sendable {
  // Safe: allocated in init, freed in deinit, and neither before nor after has anybody the address; one worker at a time reads and
  // writes what lies there.
  private let base: UnsafeMutablePointer<AccessLane>

  static var count: Int { 512 }

  init() {
    let bytes = Self.count * MemoryLayout<AccessLane>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
    unsafe base = memory.bindMemory(to: AccessLane.self, capacity: Self.count)
    unsafe base.initialize(repeating: AccessLane(), count: Self.count)
  }

  deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }

  /// What the worker reaches the lanes with: whoever keeps it keeps the object too.
  @unsafe var view: View { unsafe View(base: base) }

  /// The lanes as a plain value.
  @safe struct View: BitwiseCopyable {
    // Safe: there are 512, and no more than the lower nine bits of a number are looked at; the object is kept beside it.
    fileprivate let base: UnsafeMutablePointer<AccessLane>

    fileprivate init(base: UnsafeMutablePointer<AccessLane>) { unsafe self.base = base }

    subscript(number: Int) -> AccessLane {
      @inline(__always) unsafeAddress { unsafe UnsafePointer(base + (number & 511)) }
      @inline(__always) nonmutating unsafeMutableAddress { unsafe base + (number & 511) }
    }
  }
}
