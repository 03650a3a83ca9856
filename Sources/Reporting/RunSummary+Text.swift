import XSKEngine

extension RunSummary {
  /// The summary for people.
  public var text: String {
    var lines = ["", "\(tool) \(command): \(rounded(duration)) s"]
    for port in ports {
      lines.append(
        "  \(port.device): \(port.mode), queues \(port.queues.map(String.init).joined(separator: ",")), link \(port.link)"
      )
    }
    lines.append("  received   \(amount(packets.received, bytes.received))")
    if packets.forwarded > 0 { lines.append("  forwarded  \(amount(packets.forwarded, bytes.forwarded))") }
    if packets.delivered > 0 { lines.append("  delivered  \(amount(packets.delivered, bytes.delivered))") }
    if packets.held > 0 { lines.append("  held       \(NumberFormats.grouped(packets.held))") }
    for (reason, count) in packets.dropped.sorted(by: { $0.value > $1.value }) where count > 0 {
      lines.append("  dropped    \(NumberFormats.grouped(count)) (\(reason))")
    }
    if let gro {
      let ratio = (Double(gro.packets) / Double(gro.units) * 10).rounded() / 10
      lines.append("  GRO        \(NumberFormats.grouped(gro.units)) units, \(ratio) packets each")
    }
    for (reason, count) in (malformed ?? [:]).sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("  malformed  \(NumberFormats.grouped(count)) (\(reason))")
    }
    if let offload {
      for (reason, count) in offload.dropped.sorted(by: { $0.value > $1.value }) where count > 0 {
        lines.append("  dropped    \(NumberFormats.grouped(count)) (\(reason)) in the kernel")
      }
      if offload.redirected > 0 {
        lines.append("  redirected \(NumberFormats.grouped(offload.redirected)) in the kernel")
      }
    }
    if let total = punted?.values.reduce(0, &+), total > 0 {
      lines.append("  punted     \(NumberFormats.grouped(total)) to the kernel's stack")
    }
    // A packet for which copy mode finds the fill ring empty is in rx_dropped already.
    let losses = kernel.rxRingFull + kernel.rxDropped
    if losses > 0 {
      lines.append(
        "  lost before the engine  \(NumberFormats.grouped(losses)) (rx_ring_full \(kernel.rxRingFull), "
          + "rx_dropped \(kernel.rxDropped))")
    }
    lines.append(
      "  system calls: tx_kick \(syscalls.txKick), rx_kick \(syscalls.rxKick), poll \(syscalls.poll); "
        + "cpu: user \(rounded(cpu.user)) s, system \(rounded(cpu.system)) s")
    lines.append(
      conservationHolds && ledgerHolds
        ? "  every packet and every frame is accounted for"
        : "  NOT everything is accounted for: please report this as a bug, with --json")
    return lines.joined(separator: "\n")
  }

  private func amount(_ packets: UInt64, _ bytes: UInt64) -> String {
    let rate = duration > 0 ? NumberFormats.grouped(Double(packets) / duration) : "0"
    return "\(NumberFormats.grouped(packets)) packets, \(NumberFormats.grouped(bytes)) bytes (\(rate)/s)"
  }

  private func rounded(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100)" }
}
