import Reporting
import XSKEngine

/// An engine's counters as metrics; names by the conventions of Prometheus: base units, `_total` for what only grows.
struct MetricsPage {
  let snapshot: CounterSnapshot
  let ports: [PortStatus]
  /// Lines that the engine had to say, ever.
  let messages: Int
  let cpu: CPUTimes
  let ticksPerSecond: Double

  var text: String {
    var page = Exposition()
    addProcess(to: &page)
    addPorts(to: &page)
    addPackets(to: &page)
    addKernel(to: &page)
    addProgram(to: &page)
    addFrames(to: &page)
    addWorkers(to: &page)
    return page.text
  }

  private typealias Labels = [(String, String)]

  /// Queues of ports that have a device. A spare port's are many, and nothing comes by them.
  private var queues: [(slot: Int, block: CounterSnapshot.Slot)] {
    snapshot.slots.enumerated().compactMap { slot, block in
      let port = snapshot.description.slots[slot].port
      return port < ports.count && ports[port].occupancy == .empty ? nil : (slot, block)
    }
  }

  private var openPorts: [PortStatus] { ports.filter { $0.occupancy != .empty } }

  private func labels(_ slot: Int) -> Labels {
    let place = snapshot.description.slots[slot]
    return [
      ("port", snapshot.description.ports[place.port].name), ("queue", "\(place.queue)"), ("worker", "\(place.worker)"),
    ]
  }

  /// A family with one sample a queue.
  private func perQueue(
    _ page: inout Exposition, _ name: String, _ kind: Exposition.Kind, _ help: String,
    _ samples: [(labels: Labels, counter: QueueCounter)]
  ) {
    page.family(name, kind, help) { family in
      for (slot, block) in queues {
        for sample in samples { family.add(labels(slot) + sample.labels, block[sample.counter]) }
      }
    }
  }

  private func perQueue(
    _ page: inout Exposition, _ name: String, _ help: String, _ counter: QueueCounter, kind: Exposition.Kind = .counter
  ) { perQueue(&page, name, kind, help, [([], counter)]) }

  private func perWorker(
    _ page: inout Exposition, _ name: String, _ kind: Exposition.Kind, _ help: String,
    _ value: (Int, CounterSnapshot.Worker) -> Double
  ) {
    page.family(name, kind, help) { family in
      for (index, block) in snapshot.workers.enumerated() { family.add([("worker", "\(index)")], value(index, block)) }
    }
  }

  private func perWorker(
    _ page: inout Exposition, _ name: String, _ help: String, _ counter: WorkerCounter, kind: Exposition.Kind = .counter
  ) {
    page.family(name, kind, help) { family in
      for (index, block) in snapshot.workers.enumerated() { family.add([("worker", "\(index)")], block[counter]) }
    }
  }

  private func addProcess(to page: inout Exposition) {
    let about = snapshot.description
    page.family("xskfwd_build_info", .gauge, "The program that runs; always 1.") {
      $0.add([("tool", about.tool), ("version", about.version)], UInt64(1))
    }
    page.family("xskfwd_run_info", .gauge, "The command that it was started with; always 1.") {
      $0.add([("command", about.command)], UInt64(1))
    }
    page.family("process_start_time_seconds", .gauge, "When the run began, in Unix time.") {
      $0.add([], Double(snapshot.startedUnix) / 1e9)
    }
    page.family("process_cpu_seconds_total", .counter, "Processor time of all threads, user and system.") {
      $0.add([], cpu.user + cpu.system)
    }
    page.family("xskfwd_messages_total", .counter, "Messages that the engine had for its operator.") {
      $0.add([], UInt64(messages))
    }
  }

  private func addPorts(to page: inout Exposition) {
    page.family("xskfwd_port_up", .gauge, "1: the port's device is there and has carrier.") { family in
      // Of a device elsewhere of which nobody tells there is nothing to say.
      for port in openPorts where port.link != "unknown" {
        family.add([("port", port.name)], UInt64(port.link == "up" ? 1 : 0))
      }
    }
    page.family("xskfwd_port_drained", .gauge, "1: the port's packets go to the kernel's stack, as asked for.") {
      family in
      for port in openPorts { family.add([("port", port.name)], UInt64(port.isDrained ? 1 : 0)) }
    }
    page.family("xskfwd_port_mtu_bytes", .gauge, "The device's MTU when it was opened.") { family in
      for port in openPorts { family.add([("port", port.name)], UInt64(port.device.mtu)) }
    }
    page.family("xskfwd_port_info", .gauge, "How packets of a port get into user memory; always 1.") { family in
      for port in openPorts {
        family.add(
          [
            ("port", port.name), ("mode", port.mode?.rawValue ?? "none"), ("driver", port.device.driver),
            ("mac", port.device.hardwareAddressText),
          ], UInt64(1))
      }
    }
    page.family("xskfwd_queue_up", .gauge, "1: the queue's socket works.") { family in
      for (slot, block) in queues {
        family.add(labels(slot), UInt64(block[.failure] == 0 ? 1 : 0))
      }
    }
  }

  private func addPackets(to page: inout Exposition) {
    perQueue(&page, "xskfwd_received_packets_total", "Packets taken off the RX ring.", .receivedPackets)
    perQueue(&page, "xskfwd_received_bytes_total", "Bytes of those, Ethernet header to payload.", .receivedBytes)
    perQueue(
      &page, "xskfwd_forwarded_packets_total", "Packets sent on, by the queue that they came in on.", .forwardedPackets)
    perQueue(&page, "xskfwd_forwarded_bytes_total", "Bytes of those.", .forwardedBytes)
    perQueue(
      &page, "xskfwd_delivered_packets_total", "Packets handed to the host, by the queue that they came in on.",
      .deliveredPackets)
    perQueue(&page, "xskfwd_delivered_bytes_total", "Bytes of those.", .deliveredBytes)
    perQueue(
      &page, "xskfwd_transmitted_packets_total", "Packets put on the TX ring, wherever they came in.",
      .transmittedPackets)
    perQueue(&page, "xskfwd_transmitted_bytes_total", "Bytes of those.", .transmittedBytes)
    perQueue(&page, "xskfwd_held_packets", "Packets that wait for others of their flow.", .heldPackets, kind: .gauge)
    page.family("xskfwd_dropped_packets_total", .counter, "Packets dropped, by the queue that they came in on.") {
      family in
      for (slot, block) in queues {
        for reason in block.drops.keys.sorted() {
          family.add(labels(slot) + [("reason", reason)], block.drops[reason] ?? 0)
        }
      }
    }
    perQueue(
      &page, "xskfwd_kicks_total", .counter, "System calls that had the kernel transmit (tx) or receive (rx).",
      [([("direction", "tx")], .txKicks), ([("direction", "rx")], .rxKicks)])
  }

  /// XDP_STATISTICS. They begin anew when a queue's socket is opened again.
  private func addKernel(to page: inout Exposition) {
    perQueue(
      &page, "xskfwd_kernel_rx_dropped_packets_total", "Packets that the kernel dropped at the socket.",
      .kernelRXDropped)
    perQueue(
      &page, "xskfwd_kernel_rx_ring_full_packets_total",
      "Packets that the kernel dropped because the RX ring was full.",
      .kernelRXRingFull)
    perQueue(
      &page, "xskfwd_kernel_rx_invalid_descriptors_total", "Fill ring entries that the kernel refused.",
      .kernelRXInvalidDescriptors)
    perQueue(
      &page, "xskfwd_kernel_tx_invalid_descriptors_total", "TX descriptors that the kernel refused.",
      .kernelTXInvalidDescriptors)
    perQueue(
      &page, "xskfwd_kernel_fill_ring_empty_total", "Times that the kernel found the fill ring empty.",
      .kernelFillRingEmpty)
    perQueue(
      &page, "xskfwd_kernel_tx_ring_empty_total", "Times that the kernel found the TX ring empty; no loss.",
      .kernelTXRingEmpty)
  }

  /// What the XDP programs decided by themselves: verdict offload and punt. No worker saw these packets.
  private func addProgram(to page: inout Exposition) {
    guard let kernel = snapshot.kernel else { return }
    typealias Count = KernelCounters.Count
    func add(_ name: String, _ help: String, _ samples: [(Labels, Count)]) {
      page.family("\(name)_packets_total", .counter, help) { family in
        for (labels, count) in samples { family.add(labels, count.packets) }
      }
      page.family("\(name)_bytes_total", .counter, "Bytes of those.") { family in
        for (labels, count) in samples { family.add(labels, count.bytes) }
      }
    }
    func sorted(_ counts: [String: Count], _ label: String) -> [(Labels, Count)] {
      counts.sorted { $0.key < $1.key }.map { ([(label, $0.key)], $0.value) }
    }
    add("xskfwd_offload_dropped", "Packets dropped by offloaded verdicts.", sorted(kernel.dropped, "reason"))
    add("xskfwd_offload_redirected", "Packets redirected by offloaded verdicts.", sorted(kernel.redirected, "port"))
    let punted = kernel.punted.sorted { $0.key < $1.key }.flatMap { port, counts in
      sorted(counts, "kind").map { ([("port", port)] + $0.0, $0.1) }
    }
    add("xskfwd_punted", "Packets passed to the kernel's stack.", punted)
    guard let verdicts = kernel.verdicts else { return }
    page.family("xskfwd_offload_verdicts_total", .counter, "Verdicts that were asked for, by what came of it.") {
      $0.add([("result", "installed")], verdicts.installed)
      $0.add([("result", "renewed")], verdicts.renewed)
      $0.add([("result", "full")], verdicts.full)
      $0.add([("result", "refused")], verdicts.refused)
      $0.add([("result", "lost")], kernel.requestsLost)
    }
  }

  private func addFrames(to page: inout Exposition) {
    perQueue(
      &page, "xskfwd_queue_frames", .gauge, "Frames of packet memory that a queue has, by where they are.",
      [
        ([("place", "fill")], .fillFrames), ([("place", "kernel")], .kernelFrames), ([("place", "tx")], .txFrames),
        ([("place", "completion")], .completionFrames),
      ])
    perWorker(&page, "xskfwd_umem_frames", "Frames of a worker's packet memory.", .framesTotal, kind: .gauge)
    perWorker(&page, "xskfwd_pool_frames", "Frames that are free.", .framesInPool, kind: .gauge)
    perWorker(&page, "xskfwd_held_frames", "Frames of packets that wait for others.", .framesHeld, kind: .gauge)
  }

  private func addWorkers(to page: inout Exposition) {
    perWorker(&page, "xskfwd_turns_total", "Turns of the worker's loop.", .turns)
    perWorker(&page, "xskfwd_empty_turns_total", "Turns that found no packet.", .emptyTurns)
    perWorker(&page, "xskfwd_polls_total", "Calls of poll(2).", .polls)
    perWorker(
      &page, "xskfwd_units_total", "Decisions of a policy behind GRO: an aggregate, or a lone packet. Without GRO: 0.",
      .units)
    perWorker(&page, "xskfwd_unit_packets_total", "Packets in those.", .unitPackets)
    perWorker(
      &page, "xskfwd_ledger_violations_total", "Times that frames or packets did not add up; anything but 0 is a bug.",
      .ledgerViolations)
    perWorker(&page, "xskfwd_busy_seconds_total", .counter, "Time spent in turns that found packets.") { _, block in
      Double(block[.busyTicks]) / ticksPerSecond
    }
    perWorker(
      &page, "xskfwd_heartbeat_age_seconds", .gauge, "Time since the worker's last housekeeping; 0.1 is well."
    ) { index, _ in snapshot.silence(ofWorker: index) }
    page.family("xskfwd_worker_info", .gauge, "The processor that a worker is pinned to; always 1.") { family in
      for index in snapshot.workers.indices {
        let cpu = snapshot.description.slots.first { $0.worker == index }?.cpu ?? -1
        family.add([("worker", "\(index)"), ("cpu", "\(cpu)")], UInt64(1))
      }
    }
    page.family("xskfwd_turn_duration_seconds", .histogram, "How long turns that found packets took.") { family in
      for (index, block) in snapshot.workers.enumerated() {
        let buckets = (0..<TurnHistogram.count).map { bucket in
          (
            bound: TurnHistogram.bound(bucket).map { Double($0) / 1e9 },
            count: block.counters[TurnHistogram.name(bucket)] ?? 0
          )
        }
        family.add(
          [("worker", "\(index)")], buckets: buckets, sum: Double(block[.busyTicks]) / ticksPerSecond)
      }
    }
  }
}
