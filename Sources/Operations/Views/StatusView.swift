import Reporting

extension StatusReport {
  /// For people:
  ///
  /// ```
  /// xskfwd 0.1.0   pid 4711   forward eth1 eth2   running   up 0:12:44
  /// port   link   mode      queues   mtu    mac                 driver
  /// eth1   up     zerocopy  0,1      1500   02:00:00:00:00:01   ice
  /// worker   cpu   busy     last seen
  /// 0        3     12.3 %   1 ms ago
  /// ```
  ///
  /// - Parameter showsEmpty: empty spare ports, too; else how many there are.
  public func text(showsEmpty: Bool = false) -> String {
    let shown = ports.filter { showsEmpty || $0.link != "empty" }
    var lines = [
      "\(tool.printable) \(version.printable)   pid \(pid)   \(command.printable)   \(state.printable)   "
        + "up \(NumberFormats.clock(Int(min(max(0, uptime), 1e9))))"
    ]
    lines += Columns.lines(
      [["port", "link", "mode", "queues", "mtu", "mac", "driver"]]
        + shown.map { port in
          [
            port.device.isEmpty || port.device == port.name ? port.name : "\(port.name) (\(port.device))",
            port.drained ? "\(port.link), drained" : port.link, port.mode,
            port.queues.map(String.init).joined(separator: ","), "\(port.mtu)", port.mac, port.driver,
          ]
        })
    if shown.count < ports.count {
      let count = ports.count - shown.count
      lines.append("and \(count) empty spare port\(count == 1 ? "" : "s"), which --all lists")
    }
    lines += Columns.lines(
      [["worker", "cpu", "busy", "last seen"]]
        + workers.map { worker in
          [
            "\(worker.worker)", worker.cpu < 0 ? "not pinned" : "\(worker.cpu)",
            NumberFormats.fixed(worker.busy * 100, decimals: 1) + " %",
            NumberFormats.grouped(worker.silence * 1000) + " ms ago",
          ]
        })
    if messageCount > messages.count { lines.append("… \(messageCount - messages.count) older messages") }
    return (lines + messages.map(\.printable)).joined(separator: "\n")
  }
}

extension DropsReport {
  /// For people: reasons that occurred, with rates where there is an earlier report.
  public func text(since old: DropsReport? = nil) -> String {
    let rates = Rates(from: old?.uptime, to: uptime)
    var rows = [["reason", "packets", rates.heading, "came in on"]]
    if offloaded > 0 { rows[0].append("in the kernel") }
    for reason in reasons where reason.packets > 0 || reason.offloaded > 0 {
      let before = old?.reasons.first { $0.reason == reason.reason }?.packets
      let ports = reason.ports.sorted { $0.key < $1.key }.map { "\($0.key) \(NumberFormats.grouped($0.value))" }
      rows.append(
        [
          reason.reason, NumberFormats.grouped(reason.packets), rates.rate(from: before ?? 0, to: reason.packets),
          ports.joined(separator: ", "),
        ] + (offloaded > 0 ? [NumberFormats.grouped(reason.offloaded)] : []))
    }
    var head = "received \(NumberFormats.grouped(received))   dropped \(NumberFormats.grouped(dropped))"
    if offloaded > 0 { head += "   dropped in the kernel \(NumberFormats.grouped(offloaded))" }
    if redirected > 0 { head += "   redirected in the kernel \(NumberFormats.grouped(redirected))" }
    let lost = kernel.rxDropped &+ kernel.rxRingFull
    return
      ([head] + (rows.count > 1 ? Columns.lines(rows) : ["nothing was dropped"])
      + (lost > 0 ? ["lost in the kernel before the engine saw them: \(NumberFormats.grouped(lost))"] : []))
      .joined(separator: "\n")
  }
}

extension CountersReport {
  /// For people: what moved, by queue and worker, with rates where there is an earlier report.
  public func text(since old: CountersReport? = nil) -> String {
    let rates = Rates(from: old?.uptime, to: uptime)
    var rows = [["port:queue", "worker", "counter", "value", rates.heading]]
    for (index, queue) in queues.enumerated() {
      let before = old.flatMap { $0.queues.indices.contains(index) ? $0.queues[index] : nil }
      let place = ["\(queue.port):\(queue.queue)", "\(queue.worker)"]
      for (name, value) in queue.counters.sorted(by: { $0.key < $1.key }) where value > 0 {
        rows.append(place + [name] + rates.cells(name, before?.counters[name], value))
      }
      for (name, value) in queue.dropped.sorted(by: { $0.key < $1.key }) where value > 0 {
        rows.append(place + ["dropped: \(name)"] + rates.cells(name, before?.dropped[name], value))
      }
    }
    for (index, worker) in workers.enumerated() {
      let before = old.flatMap { $0.workers.indices.contains(index) ? $0.workers[index] : nil }
      for (name, value) in worker.counters.sorted(by: { $0.key < $1.key })
      where value > 0 && name != "heartbeat_ns" && !name.hasPrefix("turns_") {
        rows.append(["", "\(worker.worker)", name] + rates.cells(name, before?.counters[name], value))
      }
    }
    return Columns.lines(rows).joined(separator: "\n")
  }
}

/// Growth a second between two reports, if there are two.
private struct Rates {
  private let seconds: Double?

  init(from old: Double?, to new: Double) {
    seconds = old.flatMap { new > $0 ? new - $0 : nil }
  }

  var heading: String { seconds == nil ? "" : "a second" }

  func rate(from old: UInt64, to new: UInt64) -> String {
    guard let seconds else { return "" }
    return NumberFormats.grouped(new >= old ? Double(new - old) / seconds : 0)
  }

  /// A value and its rate; what goes up and down has none.
  func cells(_ name: String, _ old: UInt64?, _ new: UInt64) -> [String] {
    let isGauge = name.hasPrefix("frames_") || name.hasSuffix("_frames") || name == "held_packets" || name == "failure"
    return [NumberFormats.grouped(new), isGauge ? "" : rate(from: old ?? 0, to: new)]
  }
}

/// Text in columns, each as wide as its widest cell.
enum Columns {
  static func lines(_ rows: [[String]]) -> [String] {
    let rows = rows.map { $0.map(\.printable) }
    let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (cell, width) in zip(row, widths) {
        line += (line.isEmpty ? "" : "   ") + cell + String(repeating: " ", count: width - cell.count)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
