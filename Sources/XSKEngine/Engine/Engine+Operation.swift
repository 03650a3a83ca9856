/// A port of a running engine, as its operator sees it.
public struct PortStatus: Hashable, Sendable {
  public let name: String
  /// The device that is open under this name now, or was last.
  public let device: NetworkDevice
  /// `zerocopy`, `copy`, `generic`; nil: no socket was ever bound.
  public let mode: BindMode?
  public let queues: [Int]
  /// `up`, `down`, `gone`; `unknown`: of a device in another network namespace, and nobody tells; `empty`: a spare port without a
  /// device.
  public let link: String
  /// Its packets go to the kernel's stack, as somebody has asked for (``Engine/drain(port:)``).
  public let isDrained: Bool
  public let occupancy: PortOccupancy
}

extension Engine {
  /// The engine's devices in the order of their port numbers; the local port is none.
  public var portStatus: [PortStatus] {
    ports.map { port in
      let state = port.current
      return PortStatus(
        name: state.name, device: state.device, mode: state.mode, queues: port.queues, link: state.link.rawValue,
        isDrained: state.isDrained, occupancy: state.occupancy)
    }
  }

  /// Takes no more packets of a port, or of all: they go to the kernel's stack, while what was taken is carried out and
  /// packets of other ports still leave by this one. Ends with ``resume(port:)``.
  ///
  /// The supervisor does it within about 50 ms; `portStatus` tells.
  ///
  /// - Throws: if there is no such port, or one is an attachment's physical queue: what comes to it is steered elsewhere.
  public func drain(port name: String? = nil) throws(XSKError) { try setDrained(true, name) }

  /// Takes a port's packets again, or all ports'.
  ///
  /// - Throws: if there is no such port.
  public func resume(port name: String? = nil) throws(XSKError) { try setDrained(false, name) }

  /// Has a port's device take packets to other stations' MAC addresses, or not. The supervisor does it within about 50 ms; a
  /// refusal is one of the `messages`.
  ///
  /// - Parameter number: the port's.
  public func setPromiscuous(_ isWanted: Bool, port number: Int) {
    ports[number].update { $0.wantsPromiscuity = isWanted }
    supervisor.ring()
  }

  /// Wakes workers that sleep, so that they look at once at what has been left for them.
  public func wakeWorkers() {
    for thread in threads { thread.control.ring() }
  }

  private func setDrained(_ isWanted: Bool, _ name: String?) throws(XSKError) {
    let chosen = ports.filter { !$0.isEmpty && (name == nil || $0.name == name) }
    guard !chosen.isEmpty || name == nil else {
      throw XSKError(
        name ?? "", "no such port",
        remedy: "choose one of \(ports.filter { !$0.isEmpty }.map(\.name).joined(separator: ", "))")
    }
    if isWanted, let port = chosen.first(where: { $0.attachment?.interface.isPhysical == true }) {
      throw XSKError(
        port.name, "a physical queue, whose packets are not this program's to send elsewhere",
        remedy: "steer them elsewhere on the node (ethtool -N), or stop")
    }
    for port in chosen { port.update { $0.isDrainWanted = isWanted } }
  }

  /// On the supervisor's thread, which alone touches the XSKMAPs while the engine runs: a port becomes what is wanted.
  func follow(_ port: Port) {
    let state = port.current
    if state.wantsPromiscuity != state.hasPromiscuity { notePromiscuity(port) }
    guard state.isDrained != state.isDrainWanted else { return }
    if state.isDrainWanted {
      port.stopRedirecting()
    } else {
      for thread in threads {
        for queue in thread.plan.queues where queue.port == port.index { admit(thread, queue) }
      }
    }
    port.update { $0.isDrained = state.isDrainWanted }
    note(
      "\(port.name): \(state.isDrainWanted ? "drained, its packets go to the kernel's stack" : "takes packets again")")
  }

  /// Redirects a queue's packets to its socket again. A queue that is lost has none; it is redirected when it is back.
  private func admit(_ thread: WorkerThread, _ queue: EnginePlan.Queue) {
    let port = ports[queue.port]
    guard let socket = thread.socket(named: "\(port.name) queue \(queue.queue)") else { return }
    do throws(XSKError) {
      try port.redirect(queue.queue, to: socket)
    } catch {
      note("\(error)")
    }
  }
}
