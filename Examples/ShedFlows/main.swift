import Forwarder
import GROLite
import Glibc
import XSKEngine

/// Joins two devices like a cable that sheds a share of the flows, chosen by the hash that the device computed.
struct ShedFlows: UnitHandler {
  /// Flows whose hash is less are dropped.
  let limit: UInt64

  /// Called once for all packets of a flow that came in one burst; they leave byte for byte as they came.
  mutating func decide(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) -> Verdict? {
    // Written ahead of the packet by the XDP program; nil where the driver has none.
    let hash = burst.metadata(unit.first).get(.receiveHash)
    return if let hash, hash < limit { .drop(.custom(0)) } else { .forward(to: burst.port ^ 1) }
  }
}

let words = CommandLine.arguments
guard words.count == 5, let percent = UInt64(words[3]), percent <= 100, let seconds = UInt32(words[4]) else {
  print("usage: ShedFlows DEVICE DEVICE PERCENT SECONDS")
  exit(2)
}
do {
  var configuration = EngineConfiguration(ports: words[1...2].map { PortConfiguration($0) })
  // GRO finds flows by the tags, which are made of the same hash.
  configuration.metadata = MetadataConfiguration([.receiveHash, .flowTag])
  configuration.reasonNames = [.custom(0): "shed"]
  let (limit, batch) = (percent << 32 / 100, configuration.worker.batch)
  let engine = try Engine.start(configuration) { worker throws(XSKError) in
    try CoalescingHandler(ShedFlows(limit: limit), batch: batch, queues: worker.slotCount)
  }
  sleep(seconds)
  for line in engine.messages { print(line) }
  guard let end = engine.stop() else { exit(1) }
  print("\(end.total(.unitPackets)) packets in \(end.total(.units)) decisions, \(end.drops["shed"] ?? 0) shed")
} catch {
  print(error)
  exit(2)
}
