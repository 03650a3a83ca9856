/// Ports whose sockets are on queues of a device in another network namespace: what can't be looked up here.
extension Engine {
  /// Sees whether the attachment is still there, and how the daemon says the link is. The kernel tells neither.
  func watchPhysical(_ port: Port, _ attachment: Attachment) {
    if attachment.isOver, !port.current.isDetached {
      port.update { state in
        (state.isDetached, state.detachedQueues, state.link) = (true, Set(port.queues), .gone)
      }
      publishDescription()
    }
    let now = TimestampClock.monotonicNanoseconds
    let state = port.current
    guard !state.isDetached, now >= state.nextLinkLook else { return }
    let link = Port.LinkState(attachment.physicalLink(patience: Self.linkPatience))
    port.update { $0.nextLinkLook = now + (link == .unknown ? Self.restAfterSilence : Self.linkInterval) }
    take(link, of: port)
  }

  /// A physical device, and what of its port has changed. After a detachment it may be another one, of a new attachment.
  func lookUpPhysical(_ port: Port, _ attachment: Attachment) throws(XSKError) -> NetworkDevice {
    if port.current.isDetached { attachment.takeUpAgain() }
    let (device, link) = try attachment.physicalDevice()
    port.update { state in
      state.device = device
      // Of a directory that could not be opened yet no end would be seen.
      state.isDetached = state.isDetached && !attachment.isFollowed
    }
    if !port.current.isDetached { take(Port.LinkState(link), of: port) }
    return device
  }

  private func take(_ link: Port.LinkState, of port: Port) {
    let before = port.current.link
    guard link != before else { return }
    port.update { $0.link = link }
    // That a daemon is away for a moment is no news about the device.
    if link != .unknown, before != .unknown || link != .up { note("\(port.name): link is \(link.rawValue)") }
    publishDescription()
  }

  /// Nanoseconds between two questions, and after one that was not answered; milliseconds that one may take: failed queues wait
  /// meanwhile.
  private static let linkInterval: UInt64 = 1_000_000_000
  private static let restAfterSilence: UInt64 = 5_000_000_000
  private static let linkPatience: Int32 = 100
}

extension Port.LinkState {
  /// nil: nobody told.
  init(_ link: Attachment.Link?) {
    switch link {
    case .up: self = .up
    case .down: self = .down
    case .gone: self = .gone
    case nil: self = .unknown
    }
  }
}
