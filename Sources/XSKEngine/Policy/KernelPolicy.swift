import CXsk
import Glibc

/// What the XDP programs of an engine decide by themselves: punt and verdicts, with the tables that both are in.
final class KernelPolicy: Sendable {
  let tables: PolicyTables
  let punt: PuntTable?
  let verdicts: VerdictTable?
  /// Of each worker; empty without offload.
  let requests: [OffloadRequests]
  /// Of each port, and with each port's group: ports that punt alike share their entries in the tables.
  private let configurations: [PuntConfiguration]
  private let groups: [Int]
  private let offload: OffloadConfiguration?

  /// - Returns: nil if nothing is configured.
  static func make(_ configuration: EngineConfiguration, workers: Int) throws(XSKError) -> KernelPolicy? {
    let isPunting = configuration.punts.contains { $0.isOn }
    guard configuration.offload != nil || isPunting else { return nil }
    return try KernelPolicy(configuration, workers: workers)
  }

  private init(_ configuration: EngineConfiguration, workers: Int) throws(XSKError) {
    configurations = configuration.punts
    var distinct: [PuntConfiguration] = []
    groups = configurations.map { punt in
      if let group = distinct.firstIndex(of: punt) { return group }
      distinct.append(punt)
      return distinct.count - 1
    }
    offload = configuration.offload
    let ports = configurations.count
    var sizes = PuntTable.sizes(distinct)
    if let offload {
      if offload.flows > 0 { (sizes[.flows4], sizes[.flows6]) = (offload.flows, offload.flows) }
      if offload.sources > 0 { (sizes[.sources4], sizes[.sources6]) = (offload.sources, offload.sources) }
      (sizes[.verdictState], sizes[.egress]) = (1, ports)
    }
    sizes[.counts] = Int(XSK_COUNT_PUNTED) + ports * Int(XSK_PUNT_KINDS)
    let tables = try PolicyTables(sizes)
    self.tables = tables
    punt = distinct.contains { $0.isOn } ? try PuntTable(tables, distinct) : nil
    verdicts = offload.map { VerdictTable(tables, $0) }
    requests = offload.map { offload in (0..<workers).map { _ in OffloadRequests(capacity: offload.requests) } } ?? []
  }

  /// What the program on one port has to do with it.
  struct Part {
    let settings: xsk_policy_settings
    let tables: PolicyTables
  }

  /// nil: nothing.
  ///
  /// - Parameter punts: as configured; else nothing is punted.
  func part(port: Int, punts: Bool = true) -> Part? {
    let settings = xsk_policy_settings(
      port: UInt32(port), punt: punts ? configurations[port].bits : 0, verdicts: offload?.bits ?? 0,
      group: UInt32(groups[port]))
    return settings.punt | settings.verdicts == 0 ? nil : Part(settings: settings, tables: tables)
  }

  /// What the kernel has counted so far: some hundred system calls.
  ///
  /// - Parameter portNames: of each port; nil: it is empty.
  func counters(_ reasonNames: [DropReason: String], portNames: [String?]) -> KernelCounters {
    var counters = KernelCounters()
    if let verdicts {
      for number in UInt8.min...UInt8.max {
        let reason = DropReason(rawValue: number)
        let count = tables.count(Int(XSK_COUNT_DROPPED) + Int(number))
        if count.packets > 0 { counters.dropped[reasonNames[reason] ?? reason.name] = count }
      }
      for case (let port, let name?) in portNames.enumerated() {
        counters.redirected[name] = tables.count(Int(XSK_COUNT_REDIRECTED) + port)
      }
      counters.verdicts = verdicts.tally
      counters.requestsLost = requests.reduce(0) { $0 &+ $1.lost }
    }
    for case (let port, let name?) in portNames.enumerated() where configurations[port].isOn {
      let place = Int(XSK_COUNT_PUNTED) + port * Int(XSK_PUNT_KINDS)
      let counts = PuntKind.allCases.map { ($0.name, tables.count(place + $0.rawValue)) }
      counters.punted[name] = Dictionary(uniqueKeysWithValues: counts.filter { $0.1.packets > 0 })
    }
    return counters
  }
}
