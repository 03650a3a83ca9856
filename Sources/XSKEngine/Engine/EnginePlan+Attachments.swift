extension EngineConfiguration {
  /// With the names and queues that attachments have; `attachments` has one for each port that is one.
  mutating func adopt(_ attachments: [Attachment?]) throws(XSKError) {
    for (index, attachment) in attachments.enumerated() {
      guard let attachment else { continue }
      ports[index].device = attachment.interface.name
      ports[index].queues = ports[index].queues ?? Array(0..<attachment.quota.sockets)
      try checkAttached(ports[index])
    }
    if attachments.contains(where: { $0 != nil }) { umem.pages = .sealedMemfd }
  }

  /// What the engine's own XDP program would do, an attachment's doesn't: that is the daemon's.
  private func checkAttached(_ port: PortConfiguration) throws(XSKError) {
    let wish =
      port.punt != .none
      ? "punt"
      : metadata.isOn ? "metadata" : offload != nil ? "verdict offload" : umem.unaligned ? "unaligned chunks" : nil
    guard wish == nil, socket.mode == .auto || socket.mode == .copy, umem.pages == .plain || umem.pages == .sealedMemfd
    else {
      throw XSKError(
        "\(wish ?? (umem.pages == .plain ? "mode \(socket.mode.rawValue)" : "pages \(umem.pages.rawValue)")) on "
          + port.device, "not to be had on an attachment, whose program and memory are xskd's matter",
        remedy: "leave it out")
    }
  }
}

extension EnginePlan {
  /// Rings that fit what attachments grant: halved until the UMEM of the largest worker is within all quotas.
  ///
  /// - Parameter frames: of the UMEM that rings of a size need.
  static func fit(
    _ socket: SocketConfiguration, chunkSize: Int, _ attachments: [Attachment?],
    frames: (SocketConfiguration) -> Int
  ) -> SocketConfiguration {
    let quotas = attachments.compactMap { $0?.quota }
    guard let most = quotas.map({ min($0.frames, $0.umemBytes / chunkSize) }).min() else { return socket }
    var socket = socket
    while frames(socket) > most, max(socket.rings.receive, socket.rings.transmit) > smallestRing {
      let (receive, transmit) = (socket.rings.receive, socket.rings.transmit)
      socket.rings = RingSizes(
        receive: max(min(receive, smallestRing), receive / 2), transmit: max(min(transmit, smallestRing), transmit / 2))
    }
    return socket
  }

  /// Entries that a ring is not made smaller than.
  private static let smallestRing: UInt32 = 64

  /// Frames that each attached queue of a worker is given before its socket is bound, by the queue's place in the worker.
  func framesWithKernel(_ worker: Worker, _ attachments: [Attachment?], fillLevel: Int) -> [Int: Range<Int>] {
    let attached = worker.queues.indices.filter { attachments[worker.queues[$0].port] != nil }
    let level = fillLevel == 0 ? Int(socket.rings.fill) : min(fillLevel, Int(socket.rings.fill))
    // Half of the memory at most: the rest is for transmitting and for what is being looked at.
    let each = attached.isEmpty ? 0 : min(level, umem.frames / 2 / attached.count)
    return Dictionary(
      uniqueKeysWithValues: attached.enumerated().map { ($0.element, $0.offset * each..<($0.offset + 1) * each) })
  }
}
