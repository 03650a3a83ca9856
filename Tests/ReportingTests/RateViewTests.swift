import Testing
import XSKEngine

@testable import Reporting

struct RateViewTests {
  private let start = snapshot(drop, at: 10)
  private let second = snapshot(drop, at: 11) { snapshot in
    snapshot.slots[0][.receivedPackets] = 3_912_345
    snapshot.slots[0][.receivedBytes] = 3_912_345 * 64
    snapshot.slots[0][.policy] = 3_912_345
    snapshot.slots[0][.txKicks] = 4
    snapshot.slots[0][.rxKicks] = 30
    snapshot.slots[0][.fillFrames] = 2048
    snapshot.slots[0][.kernelFrames] = 7
    snapshot.slots[0][.kernelTXRingEmpty] = 12
    snapshot.workers[0][.polls] = 1200
    snapshot.workers[0][.turns] = 1_234_567
    snapshot.workers[0][.busyTicks] = 873_000_000
    snapshot.workers[0][.framesTotal] = 4096
    snapshot.workers[0][.framesInPool] = 2041
  }

  @Test func `A terse line stands below its header`() {
    var view = RateView(utcOffset: 3600)
    #expect(
      view.next(from: start, to: second) == """
        time            rx/s       fwd/s      drop/s    bit/s    wake/s mode      drops
        01:00:11   3,912,345           0   3,912,345   2.00 G     1,234 copy      policy
        """)
  }

  @Test func `What is delivered has a column of its own, from the first packet on`() {
    var view = RateView(utcOffset: 0)
    let later = snapshot(drop, at: 12) { snapshot in
      snapshot.slots[0] = second.slots[0]
      snapshot.slots[0][.deliveredPackets] = 1_234
    }
    _ = view.next(from: start, to: second)
    #expect(
      view.next(from: second, to: later) == """
        time            rx/s       fwd/s      host/s      drop/s    bit/s    wake/s mode      drops
        00:00:12           0           0       1,234           0        0         0 copy
        """)
  }

  @Test func `Rates are per second, whatever the interval`() {
    var view = RateView(utcOffset: 0)
    var later = second
    later.readMonotonic += 1_000_000_000
    _ = view.next(from: start, to: second)
    #expect(
      view.next(from: start, to: later)
        == "00:00:11   1,956,173           0   1,956,173   1.00 G       617 copy      policy")
  }

  @Test func `An idle line ends with the mode`() {
    #expect(
      RateView.line(CounterRates(from: start, to: start), of: start, utcOffset: 0)
        == "00:00:10           0           0           0        0         0 copy")
  }

  @Test func `The header comes back every 20 lines`() {
    var view = RateView(utcOffset: 0)
    let headers = (0..<45).filter { _ in view.next(from: start, to: second).hasPrefix("time ") }
    #expect(headers == [0, 20, 40])
  }

  @Test func `The widened view shows worker, queue, gauges, drops and kernel statistics`() {
    var view = RateView(isWide: true, utcOffset: 0)
    #expect(
      view.next(from: start, to: second) == """
        time            rx/s       fwd/s      drop/s    bit/s    wake/s mode      drops
        00:00:11   3,912,345           0   3,912,345   2.00 G     1,234 copy      policy
          worker 0 cpu 3   busy  87.3 %   turns/s 1,234,567   polls/s 1,200   frames 4,096: pool 2,041 held 0
            veth0:0 copy   rx/s 3,912,345   fwd/s 0   host/s 0   drop/s 3,912,345   tx/s 0   kicks/s tx 4 rx 30
              frames: fill 2,048 kernel 7 tx 0 completion 0
              drops/s: policy 3,912,345
              kernel: rx_dropped 0 rx_invalid_descs 0 tx_invalid_descs 0 rx_ring_full 0 \
        rx_fill_ring_empty_descs 0 tx_ring_empty_descs 12
        """)
  }

  @Test func `Each worker stands above its own queues, and trouble below the queue that has it`() {
    let old = snapshot(forward, at: 1)
    let new = snapshot(forward, at: 2) { snapshot in
      snapshot.description.ports[1].link = "gone"
      snapshot.slots[1][.failure] = 100
    }
    let lines = RateView.details(from: old, to: new, rates: CounterRates(from: old, to: new))
    let starts = lines.map { $0.drop { $0 == " " }.split(separator: " ").prefix(2).joined(separator: " ") }
    #expect(
      starts == [
        "worker 0", "east:0 copy", "frames: fill", "kernel: rx_dropped",
        "worker 1", "west:2 generic", "frames: fill", "kernel: rx_dropped", "link: gone", "failed: Network",
      ])
    #expect(lines[4].contains("not pinned"))
  }

  @Test func `Ports in trouble come first, then drops by frequency, then what the kernel lost`() {
    let old = snapshot(forward, at: 1)
    let new = snapshot(forward, at: 2) { snapshot in
      snapshot.description.ports[0].link = "down"
      snapshot.slots[1][.failure] = 100
      snapshot.slots[0][.policy] = 20
      snapshot.slots[1][.portDown] = 3000
      snapshot.slots[0][.kernelRXRingFull] = 5
      snapshot.slots[0][.kernelTXRingEmpty] = 500
    }
    let rates = CounterRates(from: old, to: new)
    #expect(
      RateView.remarks(rates, new) == [
        "east down", "west: Network is down", "port_down 3.00k", "policy 20", "rx_ring_full 5",
      ])
    #expect(RateView.line(rates, of: new, utcOffset: 0).hasSuffix(" mixed     east down +4"))
  }

  @Test func `A single drop reason leaves room for what the kernel lost`() {
    let new = snapshot(drop, at: 11) { snapshot in
      snapshot.slots[0][.policy] = 227_438
      snapshot.slots[0][.kernelRXRingFull] = 101_000
    }
    let line = RateView.line(CounterRates(from: start, to: new), of: new, utcOffset: 0)
    #expect(line.hasSuffix(" copy      policy, rx_ring_full 101k"))
  }

  @Test func `A terse line never reaches 100 columns`() {
    let old = snapshot(forward, at: 1)
    let new = snapshot(forward, at: 2) { snapshot in
      for index in 0..<2 {
        for counter in QueueCounter.allCases { snapshot.slots[index][counter] = 499_999_999 }
        for reason in DropReason.own { snapshot.slots[index][reason] = 49_999_999 }
        snapshot.description.ports[index].name = String(repeating: "long", count: 10)
        snapshot.description.ports[index].mode = "an extraordinarily long mode"
      }
    }
    let line = RateView.line(CounterRates(from: old, to: new), of: new, utcOffset: 0)
    #expect(line.count < RateView.width)
    #expect(line.hasPrefix("00:00:02 999,999,998 999,999,998 999,999,998 999,999,980   8.00 G"))
    #expect(line.hasSuffix("… +16"))
    #expect(RateView.header(hasHost: true).count < RateView.width)
  }

  @Test(
    arguments: [
      ([], 20, ""), (["policy 1"], 20, "policy 1"), (["one", "two"], 20, "one, two"),
      (["one", "two", "three"], 14, "one, two +1"), (["one", "two", "three"], 9, "one +2"),
      (["extraordinary", "two"], 10, "extrao… +1"), (["extraordinary"], 10, "extraordi…"),
    ] as [([String], Int, String)])
  func `Remarks that don't fit are counted`(remarks: [String], width: Int, text: String) {
    #expect(RateView.fit(remarks, into: width) == text)
    #expect(text.count <= width)
  }

  @Test func `A counter that went backwards counts from 0`() {
    let old = snapshot(drop, at: 1) { $0.slots[0][.kernelRXRingFull] = 1000 }
    let new = snapshot(drop, at: 2) { $0.slots[0][.kernelRXRingFull] = 10 }
    #expect(CounterRates(from: old, to: new).kernelLosses == [.init(name: "rx_ring_full", rate: 10)])
  }

  @Test func `Snapshots of the same moment, or of fewer queues, give finite rates`() {
    let narrow = snapshot(drop, at: 1)
    let wide = snapshot(forward, at: 1) { $0.slots[1][.receivedPackets] = 1 }
    let rates = CounterRates(from: narrow, to: wide)
    #expect(rates.received.isFinite)
    #expect(rates.busy == [0, 0])
  }
}
