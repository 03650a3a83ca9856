import Measuring

extension ResultPage {
  /// The figures that a README quotes: of each benchmark a sentence of what was measured, its table and its ratios; of frame sizes
  /// the smallest only.
  public func readme() -> String {
    var lines: [String] = []
    for (place, document) in headlines.enumerated() {
      if document.place != (place > 0 ? headlines[place - 1].place : nil) {
        lines += ["", "Measured on \(document.place), TSC \((document.machine.tscHertz / 1e9).label) GHz."]
      }
      let reasons = document.allIrregular
      let mark = reasons.isEmpty ? "" : Style.irregularMark
      let isAsBefore = place > 0 && headlines[place - 1].benchmark == document.benchmark
      let sentence = isAsBefore ? " The same of another." : Self.sentences[document.benchmark].map { " \($0)" } ?? ""
      lines += ["", "`xskbench \(document.command)`, \(document.date)\(mark):\(sentence)"]
      for (name, version) in document.versions.sorted(by: { $0.key < $1.key }) where name != "xskfwd" {
        lines[lines.count - 1] += " \(name) is \(version)."
      }
      lines += [""] + Self.table(Self.rows(of: document))
      let delays = document.results.filter { $0.latency != nil }
      if !delays.isEmpty { lines += [""] + Self.table(FigureMaker.latencyTable(delays, [50, 99, 99.9])) }
      let measured = document.ratios.filter { $0.pairs > 0 }
      if !measured.isEmpty {
        let ratios = measured.map {
          [$0.name, $0.median.label, "\($0.min.label) … \($0.max.label)", "\($0.pairs)"]
        }
        lines += [""] + Self.table([["ratio", "median", "smallest … largest", "pairs in turn"]] + ratios)
      }
      if !reasons.isEmpty {
        let more = reasons.count - 3
        lines += [
          "", "† irregular: \(reasons.prefix(3).joined(separator: "; "))\(more > 0 ? "; and \(more) more" : "")",
        ]
      }
    }
    return lines.dropFirst().map(Self.withoutTrailingSpace).joined(separator: "\n")
  }

  /// What was measured, by command.
  private static let sentences = [
    "engine": """
    TSC cycles a packet on simulated rings, bursts of 64. Everything that the worker does is counted, the simulated NIC's half is \
    not. Drop touches no packet bytes, so cold headers cost it nothing.
    """,
    "gro": """
    TSC cycles a packet of a worker whose handler is GRO: RX ring, parsing, coalescing, a verdict for each unit, fill ring. Headers \
    from every cache evicted in the cold set. The peer, librte_gro, gets the same packets in the same bursts, in turn, and touches no \
    rings. Linear has checksums verified and each unit gathered as a TAP device takes it.
    """,
    "pipeline": """
    TSC cycles a packet of the whole way of `xskfwd run` on simulated rings: RX ring, parsing, GRO, rules that match nothing, longest \
    prefix match among a million IPv4 routes, MAC addresses and TTL rewritten, TX ring, completions. 64-byte packets, but for the trains.
    """,
    "stages":
      "Where a packet's cycles go: the same way, its stages switched on one after the other; the whole is below.",
    "wire": """
    Real veth devices, one CPU for the generator and one for the device under test, sockets in copy mode, devices in turn, as many \
    frames as go; counted by the kernel's device counters. The kernel's copy (drop) and its transmit path (forward) bound every \
    AF_XDP program here.
    """,
    "search": """
    The same veth devices at fixed rates, by multiple loss ratio search: the highest load that loses nothing (NDR) and at most half a \
    percent (PDR) lies between the bounds. Lengths with FCS. Delays at the throughput and at half of it.
    """,
    "offload":
      "Verdicts that the XDP program carries out, on veth, against a program that does nothing else and against the engine.",
    "host": """
    iperf3's TCP over a veth whose sender's offloads are off, through the engine to the host's stack, with GRO and without in turn.
    """,
    "tenant": """
    A container's engine on the socket that xskd handed over, beside the same engine on a plain veth; and behind the dataplane with its \
    default policy, beside one behind a forwarder. Two and two have as many AF_XDP sockets on the way; two CPUs are for all of it.
    """,
  ]

  /// A document's results with the columns that they have: what a device did by its rate, what is simulated by its cycles.
  private static func rows(of document: ResultDocument) -> [[String]] {
    // What ratios tell of librte_gro is enough here.
    let results = document.results.filter { $0.latency == nil && !$0.name.hasSuffix(", librte_gro") }
    if results.contains(where: { $0.bounds != nil }) { return FigureMaker.lossTable(results) }
    return FigureMaker.resultTable(results, withSets: true)
  }

  /// Of documents of one benchmark that differ in frame size, that of the smallest; of searches each.
  private var headlines: [ResultDocument] {
    let latest = FigureMaker(documents).latest.filter { !$0.results.isEmpty }
    return latest.map(\.benchmark).unique.flatMap { name in
      let those = latest.filter { $0.benchmark == name }
      return name == "search" ? those : [those.min { Self.size($0) < Self.size($1) }].compactMap(\.self)
    }
  }

  private static func size(_ document: ResultDocument) -> Int { document.results.compactMap(\.frameBytes).min() ?? 0 }
}
