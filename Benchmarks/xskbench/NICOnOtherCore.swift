import CXsk
import Forwarder
import Glibc
import Synchronization
import Measuring
import XSKEngine
import XSKLab

/// Wall-clock rate of a worker whose NIC's half runs on the other core and copies real bytes into the frames: the rings'
/// cache lines travel between the cores, as they do with a driver.
struct NICOnOtherCore {
  let packets: Int
  let repeats: Int

  private static let workerCPU: UInt32 = 1
  private static let nicCPU: UInt32 = 0

  func measure() throws -> BenchmarkReport.Result {
    let rates = try (0..<repeats).map { _ in try rate() }
    return BenchmarkReport.Result(name: "drop, NIC on other core", set: "two-cores", mpps: rates, packets: packets)
  }

  /// Million packets a second that get from the NIC's thread through the worker's.
  private func rate() throws -> Double {
    let umem = try UMEM(UMEMConfiguration(frames: 4096))
    let device = try SimulatedDevice(rings: RingSizes(receive: 1024, transmit: 64))
    let counters = try CounterPage(simulated: [device])
    let shared = Shared()
    try SystemThread.start("bench-nic") {
      _ = cxsk_thread_pin(Self.nicCPU)
      var nic = SimulatedNIC(device, umem: umem)
      let packet = [UInt8](repeating: 0x5a, count: 60)
      while !shared.isDone.load(ordering: .acquiring) { nic.receive(packet) }
      shared.nicEnded.store(true, ordering: .releasing)
    }
    try SystemThread.start("bench-worker") { [packets] in
      _ = cxsk_thread_pin(Self.workerCPU)
      shared.answer(
        Result { () throws(XSKError) in
          var worker = Worker(
            try WorkerParts(
              simulated: [device], umem: umem, counters: counters, configuration: WorkerConfiguration(idle: .spin)),
            handler: DropHandler())
          return Self.run(&worker, packets: packets)
        })
    }
    while !shared.nicEnded.load(ordering: .acquiring) { usleep(500) }
    return try shared.rate()
  }

  private static func run(_ worker: inout Worker<DropHandler>, packets: Int) -> Double {
    var done = 0
    while done < packets / 10 { done += worker.turn() }
    done = 0
    let start = TimestampClock.monotonicNanoseconds
    while done < packets { done += worker.turn() }
    return Double(done) * 1e3 / Double(TimestampClock.monotonicNanoseconds - start)
  }

  private final class Shared: Sendable {
    let isDone = Atomic<Bool>(false)
    let nicEnded = Atomic<Bool>(false)
    private let result = Mutex<Result<Double, XSKError>?>(nil)

    func answer(_ rate: Result<Double, XSKError>) {
      result.withLock { $0 = rate }
      isDone.store(true, ordering: .releasing)
    }

    /// - Precondition: the worker has answered.
    func rate() throws -> Double { try result.withLock { $0 }?.get() ?? .nan }
  }
}
