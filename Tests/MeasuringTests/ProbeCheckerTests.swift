import Measuring
import PacketSamples
import Testing
import XSKEngine
import XSKLab

@Suite struct ProbeCheckerTests {
  private static let template = FrameTemplate(
    sourceAddress: "02:00:00:00:00:01", destinationAddress: "02:00:00:00:00:02", source: "198.51.100.1",
    destination: "203.0.113.1")

  /// Frames 0 … of a stream.
  private func frames(_ count: Int, stream: UInt16 = 7, flows: UInt32 = 1, time: UInt64 = 1) throws -> [[UInt8]] {
    var composer = try FrameComposer(
      frames: [Self.template.probeFrame(size: 60)], flows: flows, probe: ProbeStream(number: stream))
    var frames: [[UInt8]] = []
    for _ in 0..<count {
      composer.compose(time: time)
      // The span's bytes are copied before it ends.
      unsafe frames.append(composer.frame.withUnsafeBytes { unsafe Array($0) })
    }
    return frames
  }

  private func counts(_ frames: [[UInt8]], stream: UInt16? = nil, flows: UInt32 = 1) throws -> ProbeCounts {
    var checker = try ProbeChecker(stream: stream, flows: flows)
    for frame in frames { checker.take(frame.packet, length: frame.count, time: 5) }
    return checker.counts
  }

  @Test func `all in order is all in order`() throws {
    let counts = try counts(frames(1000))
    #expect(counts.received == 1000)
    #expect(counts.bytes == 60_000)
    #expect(counts.duplicated == 0 && counts.reordered == 0 && counts.missing == 0 && counts.others == 0)
    #expect(counts.lost(of: 1000) == 0)
    #expect(counts.lost(of: 1003) == 3)
  }

  @Test func `what is missing, doubled and late is counted, each once`() throws {
    var sent = try frames(100)
    sent.swapAt(10, 11)  // 11 before 10: one late
    sent.append(sent[50])  // 50 again
    sent.remove(at: 30)
    let counts = try counts(sent)
    #expect(counts.received == 99)
    #expect(counts.missing == 1)
    #expect(counts.duplicated == 1)
    #expect(counts.reordered == 1)
    #expect(counts.reorderedBy == 1)
  }

  @Test func `a loss is no reordering, and a late first frame is none missing`() throws {
    let sent = try frames(10)
    let counts = try counts([sent[4], sent[3], sent[9]])
    #expect(counts.first == 3 && counts.highest == 9)
    #expect(counts.received == 3 && counts.missing == 4 && counts.reordered == 1)
  }

  @Test func `order is checked within each flow`() throws {
    let sent = try frames(8, flows: 2)
    // Flow 1 first, then flow 0: no flow is out of order.
    let swapped = [1, 3, 5, 7, 0, 2, 4, 6].map { sent[$0] }
    #expect(try counts(swapped, flows: 2).reordered == 0)
    #expect(try counts(swapped, flows: 1).reordered == 4)
  }

  @Test func `frames of others and other streams count as that`() throws {
    let frames = try frames(3, stream: 7) + frames(2, stream: 8) + [[UInt8](repeating: 0, count: 60), []]
    let counts = try counts(frames)
    #expect(counts.stream == 7)
    #expect(counts.received == 3 && counts.otherStreams == 2 && counts.others == 2 && counts.frames == 7)
    #expect(try self.counts(frames, stream: 8).received == 2)
    #expect(try self.counts(frames, stream: 9).received == 0)
  }

  @Test func `a jump beyond the window keeps counting`() throws {
    var checker = try ProbeChecker()
    let window = ProbeChecker.window
    let numbers: [UInt64] = [0, 1, window * 3, window * 3 + 1, 1, window * 2 + 2]
    for number in numbers {
      let frame = try Self.frame(ProbePayload(stream: 1, sequence: number, time: 0))
      checker.take(frame.packet, length: frame.count, time: 0)
    }
    #expect(checker.counts.received == 5)
    #expect(checker.counts.tooLate == 1)
    #expect(checker.counts.reordered == 1)
    #expect(checker.latency.count == 0)
  }

  @Test func `cut-off frames are never probes`() throws {
    let frame = try frames(1)[0]
    for length in 0..<60 {
      #expect(try counts([Array(frame.prefix(length))]).others == 1)
    }
  }

  @Test func `delays are from the probe's time to the frame's`() throws {
    var checker = try ProbeChecker()
    for frame in try frames(10, time: 1000) { checker.take(frame.packet, length: 60, time: 4000) }
    #expect(checker.latency.summary?.median ?? 0 >= 2998)
    #expect(checker.latency.summary?.maximum == 3000)
    checker.reset()
    #expect(checker.counts == ProbeCounts())
    #expect(checker.latency.summary == nil)
  }

  private static func frame(_ probe: ProbePayload) throws -> [UInt8] {
    var frame = try template.probeFrame(size: 60)
    let first = UInt64(probe.stream) << 48 | probe.sequence
    for index in 0..<8 {
      frame[44 + index] = UInt8(truncatingIfNeeded: first >> (56 - 8 * UInt64(index)))
      frame[52 + index] = UInt8(truncatingIfNeeded: probe.time >> (56 - 8 * UInt64(index)))
    }
    return frame
  }
}
