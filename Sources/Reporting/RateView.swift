import XSKEngine

/// The view of a run while it runs: one line for each interval, and on request what stands behind it.
///
/// ```
/// time            rx/s       fwd/s      drop/s    bit/s   wake/s mode      drops
/// 14:03:59   3,912,345           0   3,912,345   2.00 G    1,234 copy      policy, rx_ring_full 12.1k
/// ```
///
/// `wake` counts system calls (TX kicks, RX kicks, polls). Behind the mode stand ports in trouble, drops by reason, and
/// losses that the kernel counted, as far as the line reaches. Where packets are delivered, or may be (there is a port for the
/// host's stack), a column `host/s` stands behind `fwd/s`.
public struct RateView: Sendable {
  /// Columns that a terse line never reaches.
  public static let width = 100
  /// Lines after which the header is repeated.
  public static let headerInterval = 20

  /// Whether each line is followed by workers and queues.
  public var isWide: Bool
  /// Seconds that the times shown are ahead of UTC.
  public let utcOffset: Int
  private var lines = 0
  private var hadHost = false

  /// - Parameter utcOffset: in seconds; by default that of local time.
  public init(isWide: Bool = false, utcOffset: Int? = nil) {
    self.isWide = isWide
    self.utcOffset = utcOffset ?? NumberFormats.localUTCOffset
  }

  /// What to print for the time between two snapshots, the header first when it is due; no newline at the end.
  public mutating func next(from old: CounterSnapshot, to new: CounterSnapshot) -> String {
    let rates = CounterRates(from: old, to: new)
    let hasHost = Self.hasHost(new)
    var text: [String] = lines % Self.headerInterval == 0 || hasHost != hadHost ? [Self.header(hasHost: hasHost)] : []
    lines += 1
    hadHost = hasHost
    text.append(Self.line(rates, of: new, utcOffset: utcOffset))
    if isWide { text += Self.details(from: old, to: new, rates: rates) }
    return text.joined(separator: "\n")
  }

  public static func header(hasHost: Bool = false) -> String {
    let columns = ["rx/s", "fwd/s"] + (hasHost ? ["host/s"] : []) + ["drop/s"]
    return "time    " + columns.map { $0.right(12) }.joined() + "bit/s".right(9) + "wake/s".right(10)
      + " " + "mode".left(9) + " drops"
  }

  /// Whether packets are delivered, or may be.
  private static func hasHost(_ snapshot: CounterSnapshot) -> Bool {
    snapshot.description.ports.contains { $0.mode == "local" }
      || snapshot.slots.contains { $0[.deliveredPackets] > 0 }
  }

  /// One terse line, shorter than ``width``.
  public static func line(_ rates: CounterRates, of snapshot: CounterSnapshot, utcOffset: Int) -> String {
    let columns = [rates.received, rates.forwarded] + (hasHost(snapshot) ? [rates.delivered] : []) + [rates.dropped]
    let numbers =
      columns.map { NumberFormats.grouped($0).right(12) }.joined()
      + NumberFormats.scaled(rates.bits).right(9) + NumberFormats.grouped(rates.wakeUps).right(10)
    let time = NumberFormats.timeOfDay(snapshot.readUnix, utcOffset: utcOffset)
    let front = "\(time)\(numbers) \(mode(of: snapshot).left(9)) "
    let line = front + fit(remarks(rates, snapshot), into: max(8, width - 1 - front.count))
    return String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// The mode of all ports, or `mixed`. A port without a device has none.
  static func mode(of snapshot: CounterSnapshot) -> String {
    let modes = Set(snapshot.description.ports.map(\.mode)).subtracting(["local"])
    return modes.count > 1 ? "mixed" : String((modes.first ?? "-").printable.prefix(9))
  }

  /// Ports in trouble, then drops by reason, then what the kernel lost.
  static func remarks(_ rates: CounterRates, _ snapshot: CounterSnapshot) -> [String] {
    let description = snapshot.description
    let troubled = description.ports.enumerated().compactMap { index, port -> String? in
      let isUnknown = port.link == "unknown"
      if port.link != "up", !isUnknown { return "\(port.name.printable) \(port.link.printable)" }
      let failure = zip(description.slots, snapshot.slots).first { $0.port == index && $1[.failure] != 0 }
      return failure.map { "\(port.name.printable): \(failureName($1[.failure]))" }
        ?? (isUnknown ? "\(port.name.printable) link unknown" : nil)
    }
    // A single reason's rate stands in the drop column already.
    let drops = rates.drops.count == 1 ? [rates.drops[0].name.printable] : rates.drops.map(count)
    return troubled + drops + rates.kernelLosses.map(count)
  }

  /// A named rate in few columns.
  private static func count(_ named: CounterRates.Named) -> String {
    "\(named.name.printable) \(NumberFormats.scaled(named.rate, separator: ""))"
  }

  /// As many remarks as fit, then how many didn't. The first is cut if it doesn't fit by itself.
  static func fit(_ remarks: [String], into width: Int) -> String {
    guard let first = remarks.first else { return "" }
    func more(_ count: Int) -> String { count > 0 ? " +\(count)" : "" }
    let others = more(remarks.count - 1)
    guard first.count + others.count <= width else {
      return first.prefix(max(0, width - 1 - others.count)) + "…" + others
    }
    var text = first
    for (index, remark) in remarks.enumerated().dropFirst() {
      let longer = "\(text), \(remark)"
      let left = remarks.count - index - 1
      guard longer.count + more(left).count <= width else { return text + more(left + 1) }
      text = longer
    }
    return text
  }

  /// The kernel's words for an errno in a counter.
  static func failureName(_ failure: UInt64) -> String {
    Int32(exactly: failure).map { errorName($0) } ?? "error \(failure)"
  }
}
