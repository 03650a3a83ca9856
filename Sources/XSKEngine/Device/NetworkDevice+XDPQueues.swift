extension NetworkDevice {
  /// RX queues that packets come to while an XDP program runs in the driver.
  ///
  /// They may be more than before: virtio_net switches on a further pair for each CPU that the machine may have, if the device
  /// has so many, and its far end spreads packets over all of them (drivers/net/virtio_net.c, virtnet_xdp_set).
  public var receiveQueuesUnderXDP: Int { receiveQueuesUnderXDP(possibleCPUs: Self.possibleCPUs) }

  func receiveQueuesUnderXDP(possibleCPUs: Int) -> Int {
    // With a program in the driver they are counted already.
    guard driver == "virtio_net", program == nil || program?.place == .generic else { return queues.receive }
    let more = queues.receive + possibleCPUs
    return more <= queues.maximumReceive ? more : queues.receive
  }

  /// RX queues for an engine that takes all of them.
  func queuesToTake(_ mode: ModeRequest) -> Range<Int> {
    0..<(mode == .generic ? queues.receive : receiveQueuesUnderXDP)
  }

  /// As the kernel sizes what it has one of for each CPU.
  private static let possibleCPUs =
    (SmallFile.read("/sys/devices/system/cpu/possible").map(SmallFile.list)?.max() ?? 0) + 1
}
