/// Ports without a device at the start: places that devices are put into and taken out of while the engine runs
/// (``Engine/plug(_:into:)``, ``Engine/unplug(_:)``).
///
/// They come behind the ports that have a device, each with one queue for each worker. Frames for all of them are there
/// from the beginning, and the kernel keeps some 130 bytes a frame of the whole UMEM for each that is plugged: many spare
/// ports want small rings.
public struct SparePorts: Hashable, Sendable {
  /// 0…254, less the ports that have a device.
  public var count: Int
  /// Of each of their sockets.
  public var rings: RingSizes
  /// Frames kept with the kernel for receiving, per queue; 0: as many as the fill ring holds.
  public var fillLevel: Int
  /// What of their packets is left to the kernel's stack.
  public var punt: PuntConfiguration

  public init(
    count: Int = 0, rings: RingSizes = RingSizes(receive: 512, transmit: 256), fillLevel: Int = 256,
    punt: PuntConfiguration = .none
  ) {
    (self.count, self.rings, self.fillLevel, self.punt) = (count, rings, fillLevel, punt)
  }

  func validate() throws(XSKError) {
    guard (0...254).contains(count) else {
      throw XSKError("\(count) spare ports", "out of range", remedy: "use 0 to 254")
    }
    guard (0...65536).contains(fillLevel) else {
      throw XSKError("fill level \(fillLevel) of spare ports", "out of range", remedy: "use 0 to 65536")
    }
    guard count > 0 else { return }
    try rings.validate()
    try punt.validate("spare ports")
  }
}
