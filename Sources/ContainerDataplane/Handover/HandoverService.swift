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

  private func socket(_ request: HandoverRequest, _ memory: CInt?, _ tenant: Tenant) -> HandoverReply {
    do throws(XSKError) {
      let maker = HandoverMaker(tenant: tenant, source: source)
      let socket = try maker.make(request, memory: memory)
      counters.add(\.sockets)
      log.line(
        "tenant \(tenant.id): queue \(request.queue) handed over, \(request.umem.frames) frames of "
          + "\(request.umem.chunkSize) bytes" + (socket.isZeroCopy ? ", zero-copy" : ""))
      return HandoverReply(
        text: "/xsk_socket_ack\(request.fields),zc=\(socket.isZeroCopy ? 1 : 0)",
        descriptors: [socket.descriptor], keeping: [socket])
    } catch {
      counters.add(\.denied)
      return HandoverReply("/xsk_socket_nak,\(error.subject): \(error.problem)")
    }
  }
}
