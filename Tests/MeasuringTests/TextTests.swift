import Measuring
import Testing
import XSKEngine

@Suite struct TextTests {
  @Test(arguments: [
    ("250000", 250_000.0), ("250k", 250_000), ("1.5M", 1_500_000), ("14.88m", 14_880_000), ("1e6", 1_000_000),
  ])
  func `rates are read as people write them`(text: String, rate: Double) {
    #expect(FrameRate(text)?.perSecond == rate)
  }

  @Test(arguments: ["", "k", "-1", "0", "fast", "1.5G", "inf", "nan"])
  func `what is no rate is refused`(text: String) { #expect(FrameRate(text) == nil) }

  @Test(arguments: [
    (12.0, "12/s"), (999.0, "999/s"), (1000, "1.0 k/s"), (123_456, "123.5 k/s"), (4_567_890, "4.568 M/s"),
    (999_600, "1.0 M/s"),
  ])
  func `rates are told to four digits`(rate: Double, text: String) { #expect(FrameRate.text(rate) == text) }

  @Test func `IMIX is 7 short, 4 middle and 1 long, evenly`() throws {
    let mix = try SizeMix("imix")
    #expect(mix == .imix && mix.mean == Double(7 * 60 + 4 * 590 + 1514) / 12)
    let schedule = mix.schedule
    #expect(schedule.count == 12)
    #expect([0, 1, 2].map { part in schedule.count { $0 == part } } == [7, 4, 1])
    // No two long or middle ones in a row, twice over.
    #expect(zip(schedule + schedule, (schedule + schedule).dropFirst()).allSatisfy { $0 == 0 || $0 != $1 })
  }

  @Test(arguments: ["", "59", "1515", "64:0", "64:257", "64,", "a", "64:1:1", "64:200,128:100"])
  func `what is no mix of lengths is refused, with what there is`(text: String) {
    let error = #expect(throws: XSKError.self) { try SizeMix(text) }
    #expect(error?.remedy.hasPrefix("give") == true)
  }

  @Test func `devices are found by name, and must do the job`() throws {
    for kind in DeviceKind.named { #expect(try DeviceKind(kind.name, job: nil) == kind) }
    #expect(try DeviceKind("ours", job: .drop) == .ours(.drop))
    #expect(try DeviceKind("testpmd", job: .forward) == .testpmd(.io))
    #expect(try DeviceKind("command:bounce a0", job: .reflect) == .command(["bounce", "a0"], .reflect))
    #expect(throws: XSKError.self) { try DeviceKind("bridge", job: .drop) }
    #expect(throws: XSKError.self) { try DeviceKind("testpmd", job: .reflect) }
    #expect(throws: XSKError.self) { try DeviceKind("command:", job: nil) }
    let error = #expect(throws: XSKError.self) { try DeviceKind("vpp", job: nil) }
    #expect(error?.remedy.contains("kernel-route") == true)
  }
}
