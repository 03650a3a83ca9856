import XSKEngine

/// `xskfwd top`: watches a running engine through its counter page.
public struct TopView: Sendable {
  /// Seconds from one view to the next.
  public var interval: Double
  /// Shows one interval and ends.
  public var once: Bool
  /// One ``TopReport`` a line instead of a screen.
  public var json: Bool
  /// Whether the output is a terminal whose screen is cleared before each view.
  public var clearsScreen: Bool
  private let utcOffset: Int

  public init(
    interval: Double = 1, once: Bool = false, json: Bool = false, clearsScreen: Bool = false, utcOffset: Int? = nil
  ) {
    self.interval = interval
    self.once = once
    self.json = json
    self.clearsScreen = clearsScreen
    self.utcOffset = utcOffset ?? NumberFormats.localUTCOffset
  }

  /// Opens the page of the engine that is meant: the process `pid`, or the only one that runs.
  ///
  /// - Throws: as ``InstanceChoice/index(in:pid:)``, and as ``CounterPageReader/snapshot()``.
  public static func open(
    pid: Int32?, in directory: CounterPageDirectory = .standard
  ) throws(XSKError) -> CounterPageReader {
    var readers: [CounterPageReader] = []
    var choices: [InstanceChoice] = []
    for reader in CounterPageReader.runningInstances(in: directory) {
      // A page that can't be read is no choice, unless it is the one that was asked for.
      do throws(XSKError) {
        let snapshot = try reader.snapshot()
        choices.append(InstanceChoice(pid: snapshot.process.pid, command: snapshot.description.command))
        readers.append(reader)
      } catch {
        if let pid, reader.process?.pid == pid { throw error }
      }
    }
    return readers[try InstanceChoice.index(in: choices, pid: pid)]
  }

  /// Shows the engine until it ends, `once` is done, or `wait` says so.
  ///
  /// - Parameters:
  ///   - wait: sleeps for the seconds given; false if that was interrupted.
  ///   - write: prints a text that has its newline.
  /// - Throws: as ``CounterPageReader/snapshot()``.
  public func run(
    _ reader: CounterPageReader, wait: (Double) -> Bool, write: (String) -> Void
  ) throws(XSKError) {
    var old = try reader.snapshot()
    while wait(interval) {
      // Alive first: what is read after its death is final.
      let isAlive = reader.isAlive
      let new = try reader.snapshot()
      let clear = clearsScreen && !json ? "\u{1B}[H\u{1B}[2J" : ""
      write(clear + (json ? jsonLine(TopReport(from: old, to: new)) : screen(from: old, to: new)) + "\n")
      if once { return }
      if !isAlive || new.state == .stopped {
        if !json { write("\(new.description.tool.printable) \(new.process.pid) has ended\n") }
        return
      }
      old = new
    }
  }

  /// What fills the screen: the run, its totals, and the widened rate view; no newline at the end.
  public func screen(from old: CounterSnapshot, to new: CounterSnapshot) -> String {
    let description = new.description
    let packets = RunSummary.Packets(new)
    let drops = packets.dropped.filter { $0.value > 0 }.sorted {
      $0.value > $1.value || $0.value == $1.value && $0.key < $1.key
    }
    var lines = [
      "\(description.tool.printable) \(description.version.printable)   pid \(new.process.pid)   "
        + "\(description.command.printable)   \(new.state.name)   up \(NumberFormats.clock(Int(new.uptime)))",
      "packets: received \(NumberFormats.grouped(packets.received))   "
        + "forwarded \(NumberFormats.grouped(packets.forwarded))   "
        + "delivered \(NumberFormats.grouped(packets.delivered))   held \(NumberFormats.grouped(packets.held))   "
        + "dropped \(NumberFormats.grouped(drops.reduce(0) { $0 &+ $1.value }))",
    ]
    if !drops.isEmpty {
      lines.append(
        "dropped: " + drops.map { "\($0.key.printable) \(NumberFormats.grouped($0.value))" }.joined(separator: "   "))
    }
    var view = RateView(isWide: true, utcOffset: utcOffset)
    return (lines + ["", view.next(from: old, to: new)]).joined(separator: "\n")
  }
}
