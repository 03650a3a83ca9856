import XSKEngine

/// What happened between two snapshots of one page, per second.
///
/// A counter that went backwards (the kernel's statistics start anew when a socket is opened again) counts from 0.
public struct CounterRates: Hashable, Sendable {
  public struct Named: Hashable, Sendable {
    public let name: String
    public let rate: Double
  }

  /// Between the two snapshots; greater than 0.
  public let seconds: Double
  /// Packets.
  public let received: Double
  public let forwarded: Double
  public let delivered: Double
  public let dropped: Double
  /// Received bits, Ethernet header to payload; without preamble, checksum and gap.
  public let bits: Double
  /// System calls of all kinds: TX kicks, RX kicks, polls.
  public let txKicks: Double
  public let rxKicks: Double
  public let polls: Double
  /// Drop reasons that occurred, most frequent first.
  public let drops: [Named]
  /// The kernel's statistics that grew, most frequent first. `tx_ring_empty_descs` isn't a loss and isn't among them.
  public let kernelLosses: [Named]
  /// The share of time that each worker spent on packets, 0…1.
  public let busy: [Double]

  public init(from old: CounterSnapshot, to new: CounterSnapshot) {
    let seconds = max(Double(grown(old.readMonotonic, new.readMonotonic)) / 1e9, 1e-6)
    func rate(_ counter: QueueCounter) -> Double {
      perSecond(new.slots.indices.map { grown(old.slot($0)[counter], new.slots[$0][counter]) }, seconds)
    }
    let drops = named(Set(new.drops.keys)) { name in
      perSecond(
        new.slots.indices.map { grown(old.slot($0).drops[name] ?? 0, new.slots[$0].drops[name] ?? 0) }, seconds)
    }
    let losses: [QueueCounter] = [
      .kernelRXDropped, .kernelRXInvalidDescriptors, .kernelTXInvalidDescriptors, .kernelRXRingFull,
      .kernelFillRingEmpty,
    ]
    let ticks = max(Double(grown(old.readTicks, new.readTicks)), 1)
    self.seconds = seconds
    received = rate(.receivedPackets)
    forwarded = rate(.forwardedPackets)
    delivered = rate(.deliveredPackets)
    dropped = drops.reduce(0) { $0 + $1.rate }
    bits = rate(.receivedBytes) * 8
    txKicks = rate(.txKicks)
    rxKicks = rate(.rxKicks)
    polls = perSecond(new.workers.indices.map { grown(old.worker($0)[.polls], new.workers[$0][.polls]) }, seconds)
    self.drops = drops
    kernelLosses = losses.map { Named(name: $0.name, rate: rate($0)) }.filter { $0.rate > 0 }.sorted(by: precedes)
    busy = new.workers.indices.map { index in
      min(1, Double(grown(old.worker(index)[.busyTicks], new.workers[index][.busyTicks])) / ticks)
    }
  }

  /// Wake-ups of all kinds.
  public var wakeUps: Double { txKicks + rxKicks + polls }
}

extension CounterSnapshot {
  /// The slot, or one that has counted nothing where there is none.
  func slot(_ index: Int) -> Slot { slots.indices.contains(index) ? slots[index] : Slot() }
  func worker(_ index: Int) -> Worker { workers.indices.contains(index) ? workers[index] : Worker() }
}

/// How much a counter has counted since `old`.
func grown(_ old: UInt64, _ new: UInt64) -> UInt64 { new >= old ? new - old : new }

private func perSecond(_ growth: [UInt64], _ seconds: Double) -> Double {
  growth.reduce(0) { $0 + Double($1) } / seconds
}

private func named(_ names: Set<String>, rate: (String) -> Double) -> [CounterRates.Named] {
  names.map { CounterRates.Named(name: $0, rate: rate($0)) }.filter { $0.rate > 0 }.sorted(by: precedes)
}

private func precedes(_ one: CounterRates.Named, _ other: CounterRates.Named) -> Bool {
  one.rate == other.rate ? one.name < other.name : one.rate > other.rate
}
