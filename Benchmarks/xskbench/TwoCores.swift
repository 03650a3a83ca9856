import CXsk
import Forwarder
import Glibc
import Synchronization
import Measuring
import XSKEngine
import XSKLab

/// Wall-clock rates of one worker, and of two on two cores with a queue each. Each steps its simulated NIC itself, on its own
/// core, so that part is in the rate.
struct TwoCores {
  let packets: Int
  let repeats: Int

  func measure(_ ratios: inout [BenchmarkReport.Ratio]) throws -> [BenchmarkReport.Result] {
    var alone: [Double] = []
    var together: [Double] = []
    var gains: [Double] = []
    // One after the other within each repeat, so that the machine's moods meet both.
    for _ in 0..<repeats {
      let one = try rate(workers: 1)
      let two = try rate(workers: 2)
      alone.append(one)
      together.append(two)
      gains.append(two / one)
    }
    ratios.append(BenchmarkReport.Ratio(name: "two workers / one", of: gains))
    return [result("reflect, one worker", alone), result("reflect, two workers", together)]
  }

  private func result(_ name: String, _ rates: [Double]) -> BenchmarkReport.Result {
    BenchmarkReport.Result(name: name, set: "two-cores", mpps: rates, packets: packets)
  }

  /// Million packets a second of all workers, each on its own core with its own queue, NIC half included.
  private func rate(workers: Int) throws -> Double {
    let shared = Shared()
    for index in 0..<workers {
      try SystemThread.start("bench-\(index)") { [packets] in
        _ = cxsk_thread_pin(UInt32(index))
        let answer: Result<Double, XSKError>
        do throws(XSKError) {
          var bench = try SimulatedBench(.hot, handler: ReflectHandler())
          _ = bench.run(packets: packets / 10)
          shared.ready.add(1, ordering: .acquiringAndReleasing)
          while shared.ready.load(ordering: .acquiring) < workers { cxsk_spin_hint() }
          let start = TimestampClock.monotonicNanoseconds
          _ = bench.run(packets: packets)
          answer = .success(Double(packets) * 1e3 / Double(TimestampClock.monotonicNanoseconds - start))
        } catch {
          shared.ready.add(1, ordering: .acquiringAndReleasing)
          answer = .failure(error)
        }
        shared.results.withLock { $0.append(answer) }
      }
    }
    while shared.results.withLock({ $0.count }) < workers { usleep(500) }
    return try shared.results.withLock { $0 }.map { try $0.get() }.reduce(0, +)
  }

  private final class Shared: Sendable {
    let results = Mutex<[Result<Double, XSKError>]>([])
    let ready = Atomic<Int>(0)
  }
}
