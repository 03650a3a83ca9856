import Foundation
import Testing
import XSKEngine

@testable import Reporting

struct RunSummaryTests {
  /// Counters that differ from each other, so that a value in the wrong place shows.
  private let busy = snapshot(forward, at: 2) { snapshot in
    for (index, counters) in [(0, 1), (1, 100)] as [(Int, UInt64)] {
      snapshot.slots[index][.receivedPackets] = 28 * counters
      snapshot.slots[index][.forwardedPackets] = 10 * counters
      snapshot.slots[index][.deliveredPackets] = 5 * counters
      snapshot.slots[index][.heldPackets] = 2 * counters
      snapshot.slots[index][.policy] = 7 * counters
      snapshot.slots[index][.txRingFull] = 4 * counters
      snapshot.slots[index][.receivedBytes] = 2800 * counters
      snapshot.slots[index][.forwardedBytes] = 1000 * counters
      snapshot.slots[index][.deliveredBytes] = 500 * counters
      snapshot.slots[index][.kernelRXDropped] = 11 * counters
      snapshot.slots[index][.kernelRXInvalidDescriptors] = 12 * counters
      snapshot.slots[index][.kernelTXInvalidDescriptors] = 13 * counters
      snapshot.slots[index][.kernelRXRingFull] = 14 * counters
      snapshot.slots[index][.kernelFillRingEmpty] = 15 * counters
      snapshot.slots[index][.kernelTXRingEmpty] = 16 * counters
      snapshot.slots[index][.txKicks] = 17 * counters
      snapshot.slots[index][.rxKicks] = 18 * counters
      snapshot.slots[index][.fillFrames] = 19 * counters
      snapshot.slots[index][.kernelFrames] = 20 * counters
      snapshot.slots[index][.txFrames] = 21 * counters
      snapshot.slots[index][.completionFrames] = 22 * counters
      snapshot.workers[index][.polls] = 23 * counters
      snapshot.workers[index][.framesInPool] = 24 * counters
      snapshot.workers[index][.framesHeld] = 2 * counters
      snapshot.workers[index][.framesTotal] = (19 + 20 + 21 + 22 + 24 + 2) * counters
    }
  }

  @Test func `Malformed packets are told where somebody looked for them`() throws {
    var summary = RunSummary(busy, duration: 1, cpu: CPUTimes(user: 0, system: 0))
    #expect(!summary.json().contains("malformed") && !summary.text.contains("malformed"))
    summary.malformed = [:]
    #expect(summary.json().contains("\"malformed\":{}") && !summary.text.contains("malformed"))
    summary.malformed = ["hdr_trunc_tcp": 2, "ip_inhdr_version": 1000, "hdr_trunc_udp": 2]
    #expect(summary.json().contains("{\"hdr_trunc_tcp\":2,\"hdr_trunc_udp\":2,\"ip_inhdr_version\":1000}"))
    let lines = summary.text.split(separator: "\n").filter { $0.contains("malformed") }
    #expect(
      lines == [
        "  malformed  1,000 (ip_inhdr_version)", "  malformed  2 (hdr_trunc_tcp)", "  malformed  2 (hdr_trunc_udp)",
      ])
  }

  @Test func `The object has exactly the keys that were promised, with the sums behind them`() throws {
    let text = RunSummary(busy, duration: 2.0000004, cpu: CPUTimes(user: 1.5, system: 0.25)).json()
    #expect(!text.contains("\n"))
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
    let expected: NSDictionary = [
      "tool": "xskfwd", "version": "1.2.3", "command": "forward east west", "duration_s": 2.0,
      "ports": [
        ["name": "east", "device": "veth0", "mode": "copy", "queues": [0], "link": "up"],
        ["name": "west", "device": "veth1", "mode": "generic", "queues": [2], "link": "up"],
      ],
      "packets": [
        "received": 2828, "forwarded": 1010, "delivered": 505, "held": 202,
        "dropped": [
          "policy": 707, "tx_ring_full": 404, "invalid_descriptor": 0, "too_many_fragments": 0, "no_such_port": 0,
          "port_down": 0, "hold_limit": 0, "shutdown": 0, "exceeds_mtu": 0, "no_frame": 0,
        ],
      ],
      "bytes": ["received": 282_800, "forwarded": 101_000, "delivered": 50_500],
      "kernel": [
        "rx_dropped": 1111, "rx_invalid_descs": 1212, "tx_invalid_descs": 1313, "rx_ring_full": 1414,
        "rx_fill_ring_empty_descs": 1515, "tx_ring_empty_descs": 1616,
      ],
      "syscalls": ["tx_kick": 1717, "rx_kick": 1818, "poll": 2323],
      "cpu": ["user_s": 1.5, "system_s": 0.25],
      "frames": [
        "total": 10908, "pool": 2424, "fill": 1919, "kernel": 2020, "held": 202, "tx": 2121, "completion": 2222,
      ],
    ]
    #expect(object == expected, "\(text)")
  }

  @Test func `What the kernel did is beside the packets, and only there when it was configured`() throws {
    var snapshot = busy
    snapshot.kernel = KernelCounters()
    snapshot.kernel?.punted = [
      "east": ["arp": .init(packets: 2), "ipv4": .init(packets: 1000)], "west": ["ipv4": .init(packets: 5)],
    ]
    var summary = RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(summary.offload == nil && summary.punted == ["arp": 2, "ipv4": 1005])
    #expect(summary.text.contains("  punted     1,007 to the kernel's stack"))
    snapshot.kernel?.punted = [:]
    snapshot.kernel?.verdicts = VerdictTable.Tally()
    snapshot.kernel?.dropped = ["policy": .init(packets: 7_000_000, bytes: 448_000_000)]
    snapshot.kernel?.redirected = ["east": .init(packets: 3), "west": .init(packets: 4)]
    summary = RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(summary.punted == nil && summary.offload == .init(dropped: ["policy": 7_000_000], redirected: 7))
    #expect(summary.packets == RunSummary(busy, duration: 2, cpu: CPUTimes(user: 0, system: 0)).packets)
    #expect(summary.text.contains("  dropped    7,000,000 (policy) in the kernel"))
    #expect(summary.text.contains("  redirected 7 in the kernel"))
    #expect(try JSONDecoder().decode(RunSummary.self, from: Data(summary.json().utf8)) == summary)
  }

  @Test func `It reads back as it was written`() throws {
    let summary = RunSummary(busy, duration: 1.25, cpu: CPUTimes(user: 0.1, system: 0.2))
    #expect(try JSONDecoder().decode(RunSummary.self, from: Data(summary.json().utf8)) == summary)
  }

  @Test func `Conservation and ledger hold for counters that add up`() {
    let summary = RunSummary(busy, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(summary.conservationHolds)
    #expect(summary.ledgerHolds)
    let idle = RunSummary(snapshot(drop, at: 0), duration: 0, cpu: CPUTimes(user: 0, system: 0))
    #expect(idle.conservationHolds)
    #expect(idle.ledgerHolds)
  }

  @Test(arguments: [
    QueueCounter.receivedPackets, .forwardedPackets, .deliveredPackets, .heldPackets,
  ]) func `One packet too many breaks conservation only`(_ counter: QueueCounter) {
    var snapshot = busy
    snapshot.slots[1][counter] += 1
    let summary = RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(!summary.conservationHolds)
    #expect(summary.ledgerHolds)
  }

  @Test(arguments: DropReason.own) func `Every drop reason counts in conservation`(_ reason: DropReason) {
    var snapshot = busy
    snapshot.slots[0][reason] += 1
    #expect(!RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0)).conservationHolds)
    snapshot.slots[1][.receivedPackets] += 1
    #expect(RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0)).conservationHolds)
  }

  @Test(arguments: [QueueCounter.fillFrames, .kernelFrames, .txFrames, .completionFrames])
  func `One frame too many in a queue breaks the ledger only`(_ counter: QueueCounter) {
    var snapshot = busy
    snapshot.slots[1][counter] += 1
    let summary = RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(!summary.ledgerHolds)
    #expect(summary.conservationHolds)
  }

  @Test(arguments: [WorkerCounter.framesTotal, .framesInPool, .framesHeld])
  func `One frame too many in a worker breaks the ledger only`(_ counter: WorkerCounter) {
    var snapshot = busy
    snapshot.workers[1][counter] += 1
    let summary = RunSummary(snapshot, duration: 2, cpu: CPUTimes(user: 0, system: 0))
    #expect(!summary.ledgerHolds)
    #expect(summary.conservationHolds)
  }

  @Test func `Processor time of this process grows with work`() {
    let before = CPUTimes.ofThisProcess
    var sum: UInt64 = 0
    while (CPUTimes.ofThisProcess - before).user + (CPUTimes.ofThisProcess - before).system < 0.01 { sum &+= 1 }
    #expect(sum > 0)
    #expect(CPUTimes(user: 2.5, system: 1) - CPUTimes(user: 2.25, system: 1) == CPUTimes(user: 0.25, system: 0))
  }
}
