import GROLite
import PacketSamples
import Testing

@Suite struct KernelTableTests {
  @Test(arguments: KernelTable.cases, [GROConfiguration.Mode.chain, .linear])
  func deliversWhatTheKernelDoes(case: (KernelTable.Row, Bool), mode: GROConfiguration.Mode) {
    let (row, isIPv6) = `case`
    var gro = GROLite(GROConfiguration(mode: mode))
    let delivered = row.bursts.flatMap { burst in
      gro.deliver(burst.map { packet in packet.with { $0.isIPv6 = isIPv6 } }).map(\.payload)
    }
    #expect(delivered == (mode == .chain ? row.inChainMode ?? row.delivered : row.delivered))
  }
}
