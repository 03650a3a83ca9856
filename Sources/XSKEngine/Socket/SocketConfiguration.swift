/// How packets get from the device into the UMEM.
public enum BindMode: String, CaseIterable, Sendable {
  /// The driver receives straight into the UMEM (XDP_ZEROCOPY).
  case zerocopy
  /// The kernel copies each packet, the XDP program running in the driver (XDP_COPY).
  case copy
  /// The kernel copies each packet, the XDP program running on skbs: works on every device.
  case generic
}

/// What the operator asks for: the best that the device has, or one mode and no other.
public enum ModeRequest: String, CaseIterable, Sendable {
  case auto, zerocopy, copy, generic

  /// XDP modes to try for the program, in order.
  var programModes: [XDPMode] {
    switch self {
    case .auto: [.native, .generic]
    case .zerocopy, .copy: [.native]
    case .generic: [.generic]
    }
  }
}

/// What a socket is to be like.
public struct SocketConfiguration: Hashable, Sendable {
  public var rings: RingSizes
  public var mode: ModeRequest
  /// Packets may span several descriptors (XDP_USE_SG): frames larger than a chunk.
  public var multiBuffer: Bool
  /// Descriptors that one sendto(2) transmits in copy mode (XDP_MAX_TX_SKB_BUDGET), 32…TX ring size. Older kernels
  /// always transmit 32.
  public var transmitBudget: UInt32
  /// SO_SNDBUF in bytes: in copy mode the packets in flight are charged to it.
  public var sendBuffer: Int32
  /// How long a bind that finds the queue busy is tried again, in milliseconds. The kernel releases a closed socket's queue
  /// some time after close(2).
  public var bindPatience: Int

  public init(
    rings: RingSizes = RingSizes(), mode: ModeRequest = .auto, multiBuffer: Bool = false,
    transmitBudget: UInt32 = 256, sendBuffer: Int32 = 8 << 20, bindPatience: Int = 2000
  ) {
    self.rings = rings
    self.mode = mode
    self.multiBuffer = multiBuffer
    self.transmitBudget = transmitBudget
    self.sendBuffer = sendBuffer
    self.bindPatience = bindPatience
  }
}

/// XDP_STATISTICS: what the kernel counted on a socket since it was made (struct xdp_statistics).
public struct SocketStatistics: Hashable, Sendable {
  /// Dropped by the kernel for another reason than the ones below: too long for a frame, for one.
  public var rxDropped: UInt64 = 0
  /// Fill ring entries outside the UMEM.
  public var rxInvalidDescriptors: UInt64 = 0
  /// TX descriptors that the kernel refused.
  public var txInvalidDescriptors: UInt64 = 0
  /// Packets dropped because the RX ring was full.
  public var rxRingFull: UInt64 = 0
  /// Packets that found the fill ring empty.
  public var fillRingEmpty: UInt64 = 0
  /// Times that the kernel found the TX ring empty.
  public var txRingEmpty: UInt64 = 0

  public init() {}
}
