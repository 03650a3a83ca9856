import CXsk
import Dispatch
import Glibc
import Synchronization
import XSKEngine

/// The generator's side of its thread.
final class LiveFrameWork: Sendable {
  typealias Configuration = LiveFrameGenerator.Configuration
  typealias Report = LiveFrameGenerator.Report

  let program: LiveFrameProgram
  let answer = OneShot<Report>()
  private let configuration: Configuration
  private let device: String
  private let isStopped = Atomic<Bool>(false)
  private let hasEnded = Atomic<Bool>(false)
  private let stopRequest = DispatchSemaphore(value: 0)

  init(_ namespace: NetworkNamespace, _ device: String, _ configuration: Configuration) throws(XSKError) {
    guard 1...256 ~= configuration.batch else {
      throw XSKError("batch of \(configuration.batch)", "out of range", remedy: "use 1 to 256")
    }
    self.configuration = configuration
    self.device = device
    program = try LiveFrameProgram(
      frame: configuration.frame, ifindex: try namespace.link(device).index, flows: configuration.flows,
      rate: configuration.rate)
  }

  /// Makes `perform` return after the batch at hand.
  func stop() { stopRequest.signal() }

  func perform(in namespace: NetworkNamespace) {
    answer.fulfill(
      Result { () throws(XSKError) in
        try namespace.enter()
        if let cpu = configuration.cpu { try pin(cpu) }
        let netlink = try Netlink()
        let before = try netlink.link(device).counters
        let report = try send()
        try check(report, try netlink.link(device).counters.since(before))
        return report
      })
  }

  private func pin(_ cpu: UInt32) throws(XSKError) {
    let code = cxsk_thread_pin(cpu)
    guard code == 0 else {
      throw XSKError("CPU \(cpu)", refused: "can't be used", code: code, remedy: "choose one this process may run on")
    }
  }

  /// One system call sends everything, since each costs some 20 ms to set up and take down; a watching thread
  /// interrupts it when it is to stop.
  private func send() throws(XSKError) -> Report {
    let thread = cxsk_lab_accept_interrupts()
    let start = ContinuousClock.now
    defer {
      hasEnded.store(true, ordering: .releasing)
      stopRequest.signal()  // sends the watcher home
    }
    try SystemThread.start("lab-generator-w") { [self] in watch(thread) }
    var sent: UInt64 = 0
    let batch = batch
    while !isStopped.load(ordering: .acquiring) {
      let left = configuration.packets.map { $0 - min(sent, $0) } ?? .max
      guard left > 0 else { break }
      let code = program.run(UInt32(min(left, 1 << 30)), batch: batch)
      guard code == 0 || code == -EINTR else {
        throw XSKError(
          device, refused: "the kernel does not send live frames", code: code,
          remedy: "use Linux 5.18 or newer, as root")
      }
      sent = program.sent
    }
    let bytes = sent * UInt64(configuration.frame.count)
    return Report(packets: sent, bytes: bytes, duration: ContinuousClock.now - start)
  }

  /// Frames of a batch leave together: at a low rate a batch is what is due in 100 µs.
  private var batch: UInt32 {
    guard let rate = configuration.rate else { return configuration.batch }
    return min(configuration.batch, UInt32(max(1, min(rate / 10_000, 256))))
  }

  /// Waits for a request to stop or the end of the time given, then interrupts the sender until it has noticed.
  private func watch(_ thread: pid_t) {
    let seconds = min(configuration.duration / .seconds(1), 1e9)
    _ = stopRequest.wait(timeout: .now() + seconds)
    isStopped.store(true, ordering: .releasing)
    while !hasEnded.load(ordering: .acquiring) {
      cxsk_lab_interrupt(thread)
      usleep(2000)
    }
  }

  /// Frames that a redirect loses altogether are in no counter: a device that shows nothing has refused them all.
  private func check(_ report: Report, _ growth: LinkCounters) throws(XSKError) {
    guard report.packets > 0, growth.transmittedPackets == 0, growth.transmitDropped == 0 else { return }
    throw XSKError(
      device, "took none of \(report.packets) frames", remedy: "turn GRO on or attach an XDP program at the peer")
  }
}
