import XSKEngine
import XSKLab

/// Two interfaces with something between them, and what is sent from one to the other.
public struct InterfacePair: Hashable, Sendable, CustomStringConvertible {
  public var transmit: String
  public var receive: String
  /// The MAC address that frames are sent to; nil: that of `receive`. A router wants its own.
  public var target: LinkAddress?
  /// IP addresses of the packets.
  public var source = WireLab.source
  public var destination = WireLab.destination

  public init(transmit: String, receive: String) { (self.transmit, self.receive) = (transmit, receive) }

  public var description: String { "\(transmit) to \(receive)" }

  /// What a search's file is kept for.
  public var identity: String {
    "\(self), \(target.map { "frames to \($0), " } ?? "")packets from \(source) to \(destination)"
  }
}
