import CXsk
import Glibc
import XSKEngine

/// Carries out what a tenant's processes ask for. Runs on the endpoint's thread, in the network namespace where the tenant's
/// sockets are bound.
struct HandoverService: Sendable {
  let source: SocketSource
  let current: CurrentTenant
  let counters: HandoverCounters
  let log: HandoverLog
  let unsettled = UnsettledSocket()

  /// - Parameters:
  ///   - descriptors: what came with the message; the caller closes them.
  ///   - danger: why the process that asks can be given no socket; nil: nothing is known.
  func answer(_ command: HandoverCommand, _ descriptors: [CInt], danger: String? = nil) -> HandoverReply {
    let tenant = current.value
    switch command {
    case .connect: return HandoverReply("/host_ok")
    case .version: return HandoverReply("0.1")
    case .fin: return HandoverReply(text: "/fin_ack", closes: true)
    case .map(let device): return map(device, tenant)
    case .busyPoll(let microseconds, let budget):
      return HandoverReply(
        busyPoll(descriptors.first, microseconds, budget) ? "/config_busy_poll_ack" : "/config_busy_poll_nak")
    case .socket(let request):
      guard let danger else { return socket(request, descriptors.first, tenant) }
      counters.add(\.denied)
      return HandoverReply("/xsk_socket_nak,\(danger)")
    case .mapped:
      counters.add(\.malformed)
      return HandoverReply("/xsk_mapped_nak,no socket waits for it")
    case .device: return HandoverReply("/xsk_device_ack,\(source.description(of: tenant))")
    case .quota:
      return HandoverReply(
        "/xsk_quota_ack,sockets=\(source.count(tenant)),frames=\(tenant.quota.frames),bytes=\(tenant.quota.umemBytes)")
    case .address(let number):
      return HandoverReply(
        tenant.addresses.indices.contains(number)
          ? "/xsk_address_ack,\(tenant.addresses[number])" : "/xsk_address_nak")
    case .malformed(let answer):
      counters.add(\.malformed)
      return HandoverReply(text: answer, closes: answer == "/host_nak")
    case .unknown:
      counters.add(\.malformed)
      return HandoverReply("/nak")
    case .reply:
      counters.add(\.malformed)
      return .silence
    }
  }

  /// The tenant's own XSKMAP, which holds nothing but its own sockets.
  private func map(_ device: String, _ tenant: Tenant) -> HandoverReply {
    // DPDK takes /fd_nak for success (it compares with strncmp() < 0), so a failure is the end of the connection.
    guard device == tenant.device, let map = source.ownMap else {
      counters.add(\.denied)
      return .close
    }
    counters.add(\.maps)
    return HandoverReply(text: "/fd_ack", descriptors: [map])
  }

  /// Options that need CAP_NET_ADMIN, on an AF_XDP socket of this network namespace.
  private func busyPoll(_ descriptor: CInt?, _ microseconds: Int, _ budget: Int) -> Bool {
    guard let descriptor, cxsk_socket_family(descriptor) == CXSK_AF_XDP else { return false }
    let network = cxsk_socket_network(descriptor)
    guard network != 0, network == cxsk_network_cookie() else { return false }
    return cxsk_socket_busy_poll(descriptor, CInt(microseconds), CInt(budget)) == 0
  }

  // MARK: Sockets

  private func socket(_ request: HandoverRequest, _ memory: CInt?, _ tenant: Tenant) -> HandoverReply {
    do throws(XSKError) {
      let order = try source.order(of: HandoverOrder.asFound)
      let prepared = try HandoverMaker(tenant: tenant, source: source).make(request, memory: memory)
      let socket = prepared.socket
      switch order {
      case .boundFirst:
        try prepared.settle()
        return HandoverReply(
          text: "/xsk_socket_ack\(request.fields)\(granted(prepared, tenant))", descriptors: [socket.descriptor],
          keeping: [socket])
      case .mappedFirst:
        try prepared.reserve()
        return HandoverReply(
          text: "/xsk_socket_ack\(request.fields),map=1", descriptors: [socket.descriptor], keeping: [socket],
          unbound: prepared)
      case .none: throw HandoverOrder.neither
      }
    } catch {
      counters.add(\.denied)
      return HandoverReply("/xsk_socket_nak,\(error.subject): \(error.problem)")
    }
  }

  /// The process has mapped the rings of what it was handed unbound: the rest.
  func settle(_ prepared: PreparedSocket) -> HandoverReply {
    let tenant = current.value
    do throws(XSKError) {
      try prepared.settle()
      return HandoverReply("/xsk_mapped_ack\(granted(prepared, tenant))")
    } catch {
      prepared.takeOut()
      unsettled.keep(prepared)
      deny(prepared, "\(error.problem)")
      return HandoverReply("/xsk_mapped_nak,\(error.subject): \(error.problem)")
    }
  }

  /// The process did otherwise with what it was handed unbound.
  func giveUp(_ prepared: PreparedSocket, because reason: String) {
    if !prepared.giveUp() { unsettled.keep(prepared) }
    deny(prepared, reason)
  }

  private func deny(_ prepared: PreparedSocket, _ reason: String) {
    counters.add(\.denied)
    log.line("tenant \(current.value.id): queue \(prepared.request.queue) not handed over: \(reason)")
  }

  /// Counts and tells of a socket that is in its place; answers what is said of it.
  private func granted(_ prepared: PreparedSocket, _ tenant: Tenant) -> String {
    let (request, isZeroCopy) = (prepared.request, prepared.socket.isZeroCopy)
    counters.add(\.sockets)
    source.noteSocket(prepared.place)
    log.line(
      "tenant \(tenant.id): queue \(request.queue) handed over, \(request.umem.frames) frames of "
        + "\(request.umem.chunkSize) bytes" + (isZeroCopy ? ", zero-copy" : ""))
    return ",zc=\(isZeroCopy ? 1 : 0)"
  }
}
