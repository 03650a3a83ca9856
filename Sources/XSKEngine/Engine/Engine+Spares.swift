import Glibc

/// How a port of an engine stands to its device.
public enum PortOccupancy: Hashable, Sendable {
  /// It has had its device from the start, and waits for it when it is gone.
  case fixed
  /// A spare port without a device.
  case empty
  /// A device is wanted in it that is not there, not ready, or gone; what stood in the way at the last attempt.
  case opening(XSKError?)
  /// Its device's packets are taken.
  case open
  /// Its device is being let go of.
  case closing
}

extension Engine {
  /// The numbers of the spare ports.
  public var sparePorts: Range<Int> { configuration.ports.count..<ports.count }

  /// How a port stands to its device: what `portStatus` says, for one that is asked about often.
  ///
  /// - Precondition: there is such a port.
  public func occupancy(of port: Int) -> PortOccupancy { ports[port].current.occupancy }

  /// Puts a device into a spare port: attaches the program, binds a socket for each worker, and lets packets in.
  ///
  /// It is done in the background, within milliseconds if the device is there and up; else it is tried again, at most five
  /// seconds apart, until it works or the port is unplugged. So it is when the device vanishes later. `portStatus` tells how
  /// far it is. A device that was in the port before is let go of first.
  ///
  /// The device must have as many RX queues as the port (`PortStatus.queues`): packets of further ones would be the
  /// kernel's.
  ///
  /// - Parameters:
  ///   - device: its name, in the network namespace of the engine.
  ///   - port: the port's number, in `sparePorts`.
  ///   - punts: what `SparePorts.punt` says is left to the kernel's stack; else nothing. For a device that is plugged in now.
  /// - Throws: if there is no such spare port, or another port has the device.
  public func plug(_ device: String, into port: Int, punts: Bool = true) throws(XSKError) {
    guard (1...15).contains(device.utf8.count), !device.utf8.contains(0) else {
      throw XSKError("device \"\(device)\"", "no device's name", remedy: "use 1 to 15 characters")
    }
    let target = try spare(port)
    let other = ports.first { other in
      let state = other.current
      return other !== target && (other.isSpare ? state.wanted : state.name) == device
    }
    if let other {
      throw XSKError(device, "is in port \(other.index) already", remedy: "unplug it there first")
    }
    target.update { ($0.wanted, $0.punts) = (device, punts) }
    supervisor.ring()
  }

  /// Takes a spare port's device out: its packets go to the kernel's stack at once, what was taken is carried out within
  /// `drainMilliseconds`, then its frames come back and the program is detached. Other ports' packets for it are dropped as
  /// `no_such_port` meanwhile and afterwards.
  ///
  /// It is done in the background; `portStatus` tells when the port is empty.
  ///
  /// - Throws: if there is no such spare port.
  public func unplug(_ port: Int) throws(XSKError) {
    try spare(port).update { $0.wanted = nil }
    supervisor.ring()
  }

  private func spare(_ port: Int) throws(XSKError) -> Port {
    guard sparePorts.contains(port) else {
      throw XSKError(
        "port \(port)", "no spare port",
        remedy: sparePorts.isEmpty
          ? "start the engine with some (EngineConfiguration.spares)"
          : "use \(sparePorts.lowerBound) to \(sparePorts.upperBound - 1)")
    }
    return ports[port]
  }

  /// On the supervisor's thread: begins or ends what is wanted of a spare port, as far as its queues are ready for it.
  ///
  /// - Parameter repairs: of queues that don't work, by their place in the counter page.
  func attend(spare port: Port, _ repairs: inout [Int: Repair]) {
    let state = port.current
    let slots = slots(of: port)
    switch state.occupancy {
    case .fixed: break
    case .empty:
      guard let wanted = state.wanted else { return }
      port.occupy(wanted)
      for slot in slots { repairs[slot] = Repair(step: .vacant) }
    case .opening, .open:
      guard state.wanted == state.name else {
        // Detached once nothing is under way any more: what comes until then is for the stack.
        port.stopRedirecting()
        // A program that found the socket just before is through with its packets then.
        usleep(1000)
        port.update { $0.occupancy = .closing }
        for slot in slots { repairs[slot]?.next = 0 }
        return
      }
      let pending = slots.compactMap { repairs[$0] }.first
      port.update { $0.occupancy = pending.map { .opening($0.obstacle) } ?? .open }
      if case .opening = state.occupancy, pending == nil { note("\(state.name): plugged into port \(port.index)") }
    case .closing:
      guard slots.allSatisfy({ repairs[$0]?.step == .vacant }) else { return }
      for slot in slots { repairs[slot] = nil }
      port.detach()
      port.empty()
      note("\(state.name): unplugged from port \(port.index)")
      publishDescription()
    }
  }

  private func slots(of port: Port) -> [Int] {
    threads.flatMap { $0.plan.queues.lazy.filter { $0.port == port.index }.map(\.slot) }
  }
}
