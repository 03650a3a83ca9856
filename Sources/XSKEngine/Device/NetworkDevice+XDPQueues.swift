extension NetworkDevice {
  /// RX queues that packets come to while an XDP program runs in the driver.
  ///
  /// They may be more than before: virtio_net switches on a further pair for each CPU that the machine may have, if the device
  /// has so many, and its far end spreads packets over all of them (drivers/net/virtio_net.c, virtnet_xdp_set). No socket should
  /// be bound to one of those: they go with the program, and the driver then knows no more of the memory of a zero-copy socket
  /// there (virtnet_xsk_pool_disable); with the next program it uses what is freed by now. Seen with Linux 7.3.
  package var receiveQueuesUnderXDP: Int { receiveQueuesUnderXDP(possibleCPUs: Self.possibleCPUs) }

  func receiveQueuesUnderXDP(possibleCPUs: Int) -> Int {
    // With a program in the driver they are counted already.
    guard driver == "virtio_net", program == nil || program?.place == .generic else { return queues.receive }
    let more = queues.receive + possibleCPUs
    return more <= queues.maximumReceive ? more : queues.receive
  }

  /// What is wrong with a driver that takes more queues into use by itself.
  package func addedQueues(_ count: Int, from own: Int) -> XSKError {
    XSKError(
      name,
      "while an XDP program is attached its driver \(driver) receives on \(count) queues, not \(own): packets of the others "
        + "would go past",
      remedy: "ethtool -L \(name) combined \(queues.maximumReceive)")
  }

  /// As the kernel sizes what it has one of for each CPU.
  private static let possibleCPUs =
    (SmallFile.read("/sys/devices/system/cpu/possible").map(SmallFile.list)?.max() ?? 0) + 1
}
