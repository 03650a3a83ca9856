extension ResultDocument {
  /// One thing that was measured: its figure, and the trials that the figure comes from.
  public struct Result: Codable, Hashable, Sendable {
    /// Unique within the document together with `set` and `frameBytes`.
    public var name: String
    /// The working set: `hot`, `cold-header`, `two-cores`, or `veth`.
    public var set: String
    /// TSC cycles a packet, empty turns excluded: the median of the repeats. Absent where only a rate was measured.
    public var cyclesPerPacket: Double?
    /// Million packets a second: the median of the repeats.
    public var mpps: Double
    /// Packets of one repeat, or of all trials where they differ.
    public var packets: Int
    public var repeats: Int
    /// The smallest and largest of the repeats, in the unit of `cycles_per_packet`, or of `mpps` where that is absent.
    public var min: Double
    public var max: Double
    /// GRO: how many packets a unit had on average.
    public var packetsPerUnit: Double?
    /// The median's rate: of GRO at the bytes that a frame takes on the wire, of delivery to the host in payload.
    public var gigabits: Double?

    /// What was under test, the same for all frame sizes and rates: `xskfwd forward`, `testpmd io`. Results with the same
    /// subject make one curve.
    public var subject: String?
    /// Bytes of a frame, and whether that counts the four bytes of the FCS.
    public var frameBytes: Int?
    public var frameIncludesFCS: Bool?
    /// The devices' driver, and how the socket was bound: `zero-copy`, `copy`, `generic`, `simulated`.
    public var driver: String?
    public var mode: String?
    /// What a search came to, for each loss ratio asked for.
    public var bounds: [Bound]?
    public var latency: Latency?
    /// Where the cycles go: stages in the order that they were switched on in.
    public var stages: [Stage]?
    /// Every trial, in the order of measuring.
    public var trials: [Trial]?
    /// Why this figure should not be quoted.
    public var irregular: [String]?

    enum CodingKeys: String, CodingKey {
      case name, set, mpps, packets, repeats, min, max, subject, driver, mode, bounds, latency, stages, trials,
        irregular
      case cyclesPerPacket = "cycles_per_packet"
      case packetsPerUnit = "packets_per_unit"
      case gigabits = "gbit_per_second"
      case frameBytes = "frame_bytes"
      case frameIncludesFCS = "frame_includes_fcs"
    }

    public init(
      name: String, set: String, cyclesPerPacket: Double?, mpps: Double, packets: Int, repeats: Int, min: Double,
      max: Double
    ) {
      (self.name, self.set, self.cyclesPerPacket, self.mpps) = (name, set, cyclesPerPacket, mpps)
      (self.packets, self.repeats, self.min, self.max) = (packets, repeats, min, max)
    }

    /// Repeats that each gave TSC cycles a packet.
    ///
    /// - Parameters:
    ///   - packets: of each repeat.
    ///   - ticksPerSecond: of the time-stamp counter.
    public init(name: String, set: String, cycles: [Double], packets: Int, ticksPerSecond: Double) {
      self.init(
        name: name, set: set, cyclesPerPacket: cycles.median.short, mpps: (ticksPerSecond / cycles.median / 1e6).short,
        packets: packets, repeats: cycles.count, min: (cycles.min() ?? 0).short, max: (cycles.max() ?? 0).short)
      trials = cycles.map { Trial(packets: packets, cyclesPerPacket: $0.short) }
    }

    /// Repeats that each gave million packets a second.
    ///
    /// - Parameter packets: of each repeat.
    public init(name: String, set: String, mpps rates: [Double], packets: Int) {
      self.init(
        name: name, set: set, cyclesPerPacket: nil, mpps: rates.median.short, packets: packets, repeats: rates.count,
        min: (rates.min() ?? 0).short, max: (rates.max() ?? 0).short)
      trials = rates.map { Trial(packets: packets, mpps: $0.short) }
    }
  }

  /// One trial. What was not measured is absent, never zero.
  public struct Trial: Codable, Hashable, Sendable {
    public var seconds: Double?
    public var packets: Int?
    /// Million packets a second: counted at the far end, sent by the generator, and asked of it.
    public var mpps: Double?
    public var sentMpps: Double?
    public var offeredMpps: Double?
    public var cyclesPerPacket: Double?
    public var gigabits: Double?
    /// Packets that did not arrive, of those offered: 0…1. In a search what the generator could not send counts as lost.
    public var lossRatio: Double?
    public var duplicated: Int?
    public var reordered: Int?
    /// Processor time a packet, in nanoseconds.
    public var userNanoseconds: Double?
    public var systemNanoseconds: Double?
    /// Share of the time that the hypervisor took from the CPUs in use, percent.
    public var stealPercent: Double?
    /// Share of the time in which the generator was kept from sending; it sent what was missing later. Percent.
    public var heldPercent: Double?
    /// Share of the time in which the device's thread could have run and had no CPU, percent.
    public var waitedPercent: Double?
    /// How often it was made, where that was more than once: the one that was disturbed least is this.
    public var attempts: Int?
    public var irregular: [String]?

    enum CodingKeys: String, CodingKey {
      case seconds, packets, mpps, duplicated, reordered, irregular
      case sentMpps = "sent_mpps"
      case offeredMpps = "offered_mpps"
      case cyclesPerPacket = "cycles_per_packet"
      case gigabits = "gbit_per_second"
      case lossRatio = "loss_ratio"
      case userNanoseconds = "user_ns_per_packet"
      case systemNanoseconds = "system_ns_per_packet"
      case attempts
      case stealPercent = "steal_percent"
      case heldPercent = "held_percent"
      case waitedPercent = "device_waited_percent"
    }

    public init(
      seconds: Double? = nil, packets: Int? = nil, mpps: Double? = nil, cyclesPerPacket: Double? = nil,
      offeredMpps: Double? = nil, lossRatio: Double? = nil
    ) {
      (self.seconds, self.packets, self.mpps, self.cyclesPerPacket) = (seconds, packets, mpps, cyclesPerPacket)
      (self.offeredMpps, self.lossRatio) = (offeredMpps, lossRatio)
    }
  }

  /// The highest rate at which no more than `lossRatio` is lost lies between these, million packets a second.
  public struct Bound: Codable, Hashable, Sendable {
    /// `NDR`, `PDR`, or a name of one's own.
    public var goal: String
    public var lossRatio: Double
    public var lowerMpps: Double
    public var upperMpps: Double
    public var irregular: [String]?

    enum CodingKeys: String, CodingKey {
      case goal, irregular
      case lossRatio = "loss_ratio"
      case lowerMpps = "lower_mpps"
      case upperMpps = "upper_mpps"
    }

    public init(goal: String, lossRatio: Double, lowerMpps: Double, upperMpps: Double) {
      (self.goal, self.lossRatio, self.lowerMpps, self.upperMpps) = (goal, lossRatio, lowerMpps, upperMpps)
    }
  }

  /// How long packets took, nanoseconds.
  public struct Latency: Codable, Hashable, Sendable {
    public struct Percentile: Codable, Hashable, Sendable {
      /// 0…100.
      public var percent: Double
      public var nanoseconds: Double

      enum CodingKeys: String, CodingKey {
        case percent
        case nanoseconds = "ns"
      }

      public init(percent: Double, nanoseconds: Double) {
        (self.percent, self.nanoseconds) = (percent, nanoseconds)
      }
    }

    public var samples: Int
    /// Million packets a second that were offered meanwhile.
    public var offeredMpps: Double?
    /// Ascending.
    public var percentiles: [Percentile]

    enum CodingKeys: String, CodingKey {
      case samples, percentiles
      case offeredMpps = "offered_mpps"
    }

    public init(samples: Int, percentiles: [Percentile], offeredMpps: Double? = nil) {
      (self.samples, self.percentiles, self.offeredMpps) = (samples, percentiles, offeredMpps)
    }
  }

  /// One stage of a packet's way.
  public struct Stage: Codable, Hashable, Sendable {
    public var name: String
    /// What the way costs up to here, the median over the rounds, and how much more that is than before this stage. TSC
    /// cycles a packet.
    public var totalCycles: Double
    public var addedCycles: Double
    /// The quarters of the rounds in which it added least and most end here.
    public var lowAdded: Double
    public var highAdded: Double

    enum CodingKeys: String, CodingKey {
      case name
      case totalCycles = "total_cycles"
      case addedCycles = "added_cycles"
      case lowAdded = "low_added"
      case highAdded = "high_added"
    }

    public init(name: String, totalCycles: Double, addedCycles: Double, lowAdded: Double, highAdded: Double) {
      (self.name, self.totalCycles, self.addedCycles) = (name, totalCycles, addedCycles)
      (self.lowAdded, self.highAdded) = (lowAdded, highAdded)
    }
  }
}
