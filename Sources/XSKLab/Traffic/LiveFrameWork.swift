import CXsk
import Dispatch
import Foundation
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

  init(_ namespace: NetworkNamespace?, _ device: String, _ configuration: Configuration) throws(XSKError) {
    guard 1...256 ~= configuration.batch else {
      throw XSKError("batch of \(configuration.batch)", "out of range", remedy: "use 1 to 256")
    }
    guard configuration.probe == nil || configuration.cpu != nil else {
      throw XSKError("generator", "probes are numbered on one CPU", remedy: "name the CPU to run on")
    }
    self.configuration = configuration
    self.device = device
    let link = if let namespace { try namespace.link(device) } else { try Link.named(device) }
    program = try LiveFrameProgram(configuration, ifindex: link.index)
  }

  /// Makes `perform` return after the batch at hand.
  func stop() { stopRequest.signal() }

  func perform(in namespace: NetworkNamespace?) {
    answer.fulfill(
      Result { () throws(XSKError) in
        try namespace?.enter()
        let netlink = try Netlink()
        let before = try netlink.link(device).counters
        let waited = Self.waitNanoseconds
        let (sent, duration) = try send()
        let waitedLater = Self.waitNanoseconds
        let growth = try netlink.link(device).counters.since(before)
        try check(sent.packets, growth)
        return Report(
          packets: sent.packets, bytes: sent.bytes, duration: duration, transmitted: growth.transmittedPackets,
          transmitDropped: growth.transmitDropped, held: .nanoseconds(Int64(sent.heldNanoseconds)),
          waited: .nanoseconds(Int64(waitedLater &- min(waited, waitedLater))))
      })
  }

  /// How long the calling thread could have run and had no CPU; 0 where the kernel doesn't tell (CONFIG_SCHED_INFO).
  private static var waitNanoseconds: UInt64 {
    let text = try? String(contentsOfFile: "/proc/thread-self/schedstat", encoding: .utf8)
    return text?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
  }

  /// Where it is refused (CAP_SYS_NICE) the generator takes turns with other programs.
  private func goFirst() {
    var parameter = sched_param(sched_priority: 1)
    // Read during the call only.
    unsafe pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter)
  }

  private func pin(_ cpu: UInt32) throws(XSKError) {
    let code = cxsk_thread_pin(cpu)
    guard code == 0 else {
      throw XSKError("CPU \(cpu)", refused: "can't be used", code: code, remedy: "choose one this process may run on")
    }
  }

  /// One system call sends everything, since each costs some 20 ms to set up and take down; a watching thread
  /// interrupts it when it is to stop.
  private func send() throws(XSKError) -> (LiveFrameProgram.Sent, Duration) {
    let thread = cxsk_lab_accept_interrupts()
    let start = ContinuousClock.now
    defer {
      hasEnded.store(true, ordering: .releasing)
      stopRequest.signal()  // sends the watcher home
    }
    // It inherits neither CPU nor priority, so that it is not kept from its work by the thread that it watches.
    try SystemThread.start("lab-generator-w") { [self] in watch(thread) }
    if let cpu = configuration.cpu { try pin(cpu) }
    if configuration.goesFirst { goFirst() }
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
    return (program.totals, ContinuousClock.now - start)
  }

  /// Frames of a batch leave together, so with a rate a batch is what is due in 20 µs: less than a device notices, and enough to
  /// keep up with millions a second.
  private var batch: UInt32 {
    guard let rate = configuration.rate else { return configuration.batch }
    return min(configuration.batch, UInt32(max(1, min(rate / 50_000, 256))))
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
  private func check(_ packets: UInt64, _ growth: LinkCounters) throws(XSKError) {
    guard packets > 0, growth.transmittedPackets == 0, growth.transmitDropped == 0 else { return }
    throw XSKError(
      device, "took none of \(packets) frames",
      remedy: "turn GRO on (off first, if it is) or attach an XDP program at the peer")
  }
}
