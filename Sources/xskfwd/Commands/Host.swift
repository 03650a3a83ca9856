import ArgumentParser
import Forwarder
import ProgramSupport
import XSKEngine

struct Host: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Connect an interface to the host's stack through the engine: a TAP device stands in its place.",
    discussion: """
      The TAP device has the interface's MAC address and MTU, and goes with the program. Give it the addresses and routes \
      that the interface had.
      """)

  @Argument(help: "The interface.") var interface: String
  @Option(help: "The TAP device to make; no interface may have that name.") var tap: String
  @Option(help: "on: packets of a flow go up as one of up to 64 KiB; off: each alone.") var gro = Switch.on
  @OptionGroup var options: EngineOptions

  func run() throws {
    let device = try NetworkDevice(named: interface)
    let tap = try TapDevice(tap, address: device.hardwareAddress, mtu: device.mtu)
    defer { tap.close() }
    PeerNotes.tell([interface], "which the host's stack will refuse")
    let (coalesces, batch, name) = (gro == .on, options.batch, interface)
    var run = options.run(
      "host", [PortConfiguration(interface)], arguments: ["--tap", tap.name, "--gro", gro.rawValue]
    ) {
      $0.localPort = tap.name
      $0.reasonNames = DropReason.hostNames
    }
    run.obstacle = { tap.isGone ? Self.gone(tap.name, name) : nil }
    run.started = { introduce(tap, device) }
    try run.run { placement throws(XSKError) in
      try HostHandler(try tap.queue(placement.worker), coalesces: coalesces, batch: batch)
    }
  }

  /// Notes go to standard error; which forms are on belongs to the ordinary output.
  private func introduce(_ tap: TapDevice, _ device: NetworkDevice) {
    for line in tap.notes { Console.error("xskfwd: \(line)") }
    guard !options.output.json else { return }
    let forms = tap.offloads.names
    Console.print(
      "\(tap.name): \(device.hardwareAddressText), MTU \(device.mtu), offloads "
        + (forms.isEmpty ? "none" : forms.joined(separator: " ")))
  }

  private static func gone(_ tap: String, _ interface: String) -> XSKError {
    XSKError(
      "TAP device \(tap)", "was removed by somebody else, so nothing of \(interface) reaches the host",
      remedy: "start again")
  }
}

/// An option that is on or off.
enum Switch: String, ExpressibleByArgument, CaseIterable {
  case on, off
}
