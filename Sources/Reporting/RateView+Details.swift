import XSKEngine

extension RateView {
  /// What stands behind a line: each worker with its load and frames, and below it its queues with their rates, ring
  /// gauges and kernel statistics.
  ///
  /// ```
  ///   worker 0 cpu 1   busy  87.3 %   turns/s 1,234,567   polls/s 0   frames 4,096: pool 2,041 held 0
  ///     eth0:0 copy   rx/s 3,912,345   fwd/s 0   drop/s 3,912,345   tx/s 0   kicks/s tx 12 rx 0
  ///       frames: fill 2,048 kernel 7 tx 0 completion 0
  ///       drops/s: policy 3,912,345
  ///       kernel: rx_dropped 0 rx_invalid_descs 0 …
  /// ```
  static func details(from old: CounterSnapshot, to new: CounterSnapshot, rates: CounterRates) -> [String] {
    new.workers.indices.flatMap { index -> [String] in
      let slots = new.description.slots.indices.filter { new.description.slots[$0].worker == index }
      let cpu = slots.first.map { new.description.slots[$0].cpu } ?? -1
      return [workerLine(index, cpu: cpu, from: old, to: new, rates: rates)]
        + slots.flatMap { slotLines($0, from: old, to: new, seconds: rates.seconds) }
    }
  }

  private static func workerLine(
    _ index: Int, cpu: Int, from old: CounterSnapshot, to new: CounterSnapshot, rates: CounterRates
  ) -> String {
    let (before, now) = (old.worker(index), new.workers[index])
    func rate(_ counter: WorkerCounter) -> String {
      NumberFormats.grouped(Double(grown(before[counter], now[counter])) / rates.seconds)
    }
    let place = cpu < 0 ? "not pinned" : "cpu \(cpu)"
    let busy = NumberFormats.fixed(rates.busy[index] * 100, decimals: 1).right(5)
    return "  worker \(index) \(place)   busy \(busy) %   turns/s \(rate(.turns))   polls/s \(rate(.polls))   "
      + "frames \(NumberFormats.grouped(now[.framesTotal])): pool \(NumberFormats.grouped(now[.framesInPool])) "
      + "held \(NumberFormats.grouped(now[.framesHeld]))"
  }

  private static func slotLines(
    _ index: Int, from old: CounterSnapshot, to new: CounterSnapshot, seconds: Double
  ) -> [String] {
    let (before, now) = (old.slot(index), new.slot(index))
    func rate(_ counter: QueueCounter) -> String {
      NumberFormats.grouped(Double(grown(before[counter], now[counter])) / seconds)
    }
    let drops = now.drops.keys.sorted().compactMap { name -> (String, Double)? in
      let growth = grown(before.drops[name] ?? 0, now.drops[name] ?? 0)
      return growth > 0 ? (name, Double(growth) / seconds) : nil
    }
    let slot = new.description.slots[index]
    let port = new.description.ports[slot.port]
    var lines = [
      "    \(port.name.printable):\(slot.queue) \(port.mode.printable)   rx/s \(rate(.receivedPackets))   "
        + "fwd/s \(rate(.forwardedPackets))   host/s \(rate(.deliveredPackets))   "
        + "drop/s \(NumberFormats.grouped(drops.reduce(0) { $0 + $1.1 }))   "
        + "tx/s \(rate(.transmittedPackets))   kicks/s tx \(rate(.txKicks)) rx \(rate(.rxKicks))",
      "      frames: "
        + gauges([.fillFrames, .kernelFrames, .txFrames, .completionFrames], of: now) { name in
          String(name.dropLast("_frames".count))
        },
    ]
    if !drops.isEmpty {
      lines.append(
        "      drops/s: " + drops.map { "\($0.printable) \(NumberFormats.grouped($1))" }.joined(separator: " "))
    }
    lines.append(
      "      kernel: "
        + gauges(
          [
            .kernelRXDropped, .kernelRXInvalidDescriptors, .kernelTXInvalidDescriptors, .kernelRXRingFull,
            .kernelFillRingEmpty, .kernelTXRingEmpty,
          ], of: now
        ) { $0 })
    if port.link != "up" { lines.append("      link: \(port.link.printable)") }
    if now[.failure] != 0 { lines.append("      failed: \(failureName(now[.failure]))") }
    return lines
  }

  /// Counters as they stand, each with a name.
  private static func gauges(
    _ counters: [QueueCounter], of slot: CounterSnapshot.Slot, name: (String) -> String
  ) -> String {
    counters.map { "\(name($0.name)) \(NumberFormats.grouped(slot[$0]))" }.joined(separator: " ")
  }
}
