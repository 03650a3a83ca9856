import CXsk
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

  init(_ namespace: NetworkNamespace, _ device: String, _ configuration: Configuration) throws(XSKError) {
    guard 1...256 ~= configuration.batch else {
      throw XSKError("batch of \(configuration.batch)", "out of range", remedy: "use 1 to 256")
    }
    guard configuration.rate ?? 1 > 0 else {
      throw XSKError("rate of \(configuration.rate ?? 0)", "out of range", remedy: "use more than 0 frames a second")
    }
    self.configuration = configuration
    self.device = device
    program = try LiveFrameProgram(
      frame: configuration.frame, ifindex: try namespace.link(device).index, flows: configuration.flows)
  }

  /// Makes `perform` return after the burst at hand.
  func stop() { isStopped.store(true, ordering: .releasing) }

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

  /// One system call sends a burst; between bursts it looks whether to stop.
  private func send() throws(XSKError) -> Report {
    let start = ContinuousClock.now
    let end = start + configuration.duration
    var sent: UInt64 = 0
    var burst = configuration.rate.map { max(1, $0 / 1000) } ?? 4096
    while !isStopped.load(ordering: .acquiring), ContinuousClock.now < end {
      let left = configuration.packets.map { $0 - sent } ?? .max
      guard left > 0 else { break }
      let count = UInt32(min(UInt64(burst), left, 1 << 20))
      let code = program.run(count, batch: min(configuration.batch, count))
      guard code == 0 || code == -EINTR else {
        throw XSKError(
          device, refused: "the kernel does not send live frames", code: code, remedy: "use Linux 5.18 or newer, as root")
      }
      sent = program.sent
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      if let rate = configuration.rate {
        pause(until: start + .seconds(Double(sent) / rate), end)
      } else {
        // About 20 ms a call: setting one up costs as much as some hundred frames.
        burst = max(4096, Double(sent) / max(elapsed, 0.001) * 0.02)
      }
    }
    let bytes = sent * UInt64(configuration.frame.count)
    return Report(packets: sent, bytes: bytes, duration: ContinuousClock.now - start)
  }

  private func pause(until due: ContinuousClock.Instant, _ end: ContinuousClock.Instant) {
    let left = min(due, end) - .now
    if left > .zero { usleep(UInt32(min(left, .milliseconds(20)) / .microseconds(1))) }
  }

  /// Frames that a redirect loses altogether are in no counter: a device that shows nothing has refused them all.
  private func check(_ report: Report, _ growth: LinkCounters) throws(XSKError) {
    guard report.packets > 0, growth.transmittedPackets == 0, growth.transmitDropped == 0 else { return }
    throw XSKError(
      device, "took none of \(report.packets) frames", remedy: "turn GRO on or attach an XDP program at the peer")
  }
}
