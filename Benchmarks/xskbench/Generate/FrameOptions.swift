import ArgumentParser
import Measuring
import XSKEngine
import XSKLab

/// What frames are like.
struct FrameOptions: ParsableArguments {
  @Option(help: "Bytes of a frame without FCS, 60…1514; several with their weights, 60:7,590:4,1514:1; or imix.")
  var size = SizeMix(size: 64)
  @Option(help: "Flows that frames take turns among, 1…16777216: source ports, then source addresses.")
  var flows: UInt32 = 1
  // Not --version: that is the program's own.
  @Option(name: .customLong("ip"), help: "IP version of the default addresses, 4 or 6.") var version = 4
  @Option(help: "udp or tcp.") var transport = Transport.udp
  @Option(name: .customLong("from"), help: "Source IP address.") var source: String?
  @Option(name: .customLong("to"), help: "Destination IP address.") var destination: String?
  @Option(name: .customLong("from-mac"), help: "Source MAC address. Default: the interface's.") var sourceMac: String?
  @Option(name: .customLong("to-mac"), help: "Destination MAC address. Default: nobody's.") var destinationMac: String?
  @Option(help: "Destination port.") var port: UInt16 = 9

  enum Transport: String, ExpressibleByArgument, CaseIterable { case udp, tcp }

  func validate() throws {
    guard version == 4 || version == 6 else { throw ValidationError("--ip \(version): give 4 or 6") }
    guard 1...(1 << 24) ~= flows else {
      throw ValidationError("--flows \(flows): out of range; give 1 to 16777216")
    }
    _ = try sourceMac.map { try Self.address($0, "--from-mac") }
    _ = try destinationMac.map { try Self.address($0, "--to-mac") }
  }

  private static func address(_ text: String, _ option: String) throws -> LinkAddress {
    guard let address = LinkAddress(text) else {
      throw ValidationError("\(option) \(text): not a MAC address; give one such as 02:00:00:00:00:02")
    }
    return address
  }

  /// - Parameter sourceAddress: the device's own MAC address.
  func template(sourceAddress: LinkAddress) throws -> FrameTemplate {
    var template = FrameTemplate(
      sourceAddress: try sourceMac.map { try Self.address($0, "--from-mac") } ?? sourceAddress,
      destinationAddress: try destinationMac.map { try Self.address($0, "--to-mac") }
        ?? LinkAddress(number: 0x0200_0000_0002),
      source: source ?? (version == 4 ? "198.51.100.1" : "2001:db8:1::1"),
      destination: destination ?? (version == 4 ? "203.0.113.1" : "2001:db8:2::1"),
      transport: transport == .udp ? .udp : .tcp)
    template.destinationPort = port
    return template
  }

  /// One frame for each length.
  func frames(_ template: FrameTemplate, probes: Bool) throws(XSKError) -> [[UInt8]] {
    try size.parts.map { part throws(XSKError) in
      probes ? try template.probeFrame(size: part.size) : try template.frame(size: part.size)
    }
  }
}

extension SizeMix: ExpressibleByArgument {
  public init?(argument: String) {
    // The parser has no room for the reason: `GenerateCommand` and others say the range in their help.
    guard let mix = try? SizeMix(argument) else { return nil }
    self = mix
  }
}

extension FrameRate: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
