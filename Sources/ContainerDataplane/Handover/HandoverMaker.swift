import CXsk
import Glibc
import XSKEngine

/// Makes a socket for a tenant, with memory, rings, and a filled fill ring: all that goes before its binding.
struct HandoverMaker {
  let tenant: Tenant
  let source: SocketSource

  /// SO_SNDBUF of a tenant's socket, in bytes: its packets in flight are the kernel's memory, which nobody is charged for. A
  /// veth's ring takes 256, of 2304 bytes each with everything around them.
  private static let sendBuffer: Int32 = 1 << 20

  /// - Parameter memory: the tenant's own memory file. None is made here: whoever holds a memory file keeps its pages, and this
  ///   process's cgroup would be charged for as many as a tenant cares to ask for.
  /// - Throws: what the quota, the device or the kernel refuses, in words for the tenant.
  func make(_ request: HandoverRequest, memory: CInt?) throws(XSKError) -> PreparedSocket {
    try check(request)
    let place = try source.place(request.queue, of: tenant)
    let (device, program) = (place.device, place.program)
    let name = "\(device.name) queue \(place.queue)"
    try device.requireQueue(place.queue)
    let umem = try makeMemory(request.umem, file: memory)
    let socket = try XSKSocket(
      name: name, umem: umem,
      SocketConfiguration(
        rings: request.rings, mode: program.mode == .generic ? .generic : .auto, multiBuffer: request.multiBuffer,
        sendBuffer: Self.sendBuffer, bindPatience: PreparedSocket.bindPatience))
    socket.give(frames: request.given, of: umem.layout)
    return PreparedSocket(socket: socket, place: place, request: request)
  }

  private func check(_ request: HandoverRequest) throws(XSKError) {
    try request.validate()
    let (quota, queues) = (tenant.quota, source.count(tenant))
    guard request.queue < queues else {
      throw XSKError("queue \(request.queue)", "over the quota of \(queues) socket(s)", remedy: "use a lower one")
    }
    guard request.umem.frames <= quota.frames else {
      throw XSKError(
        "\(request.umem.frames) frames", "over the quota of \(quota.frames)", remedy: "use fewer frames")
    }
    // No overflow: both are bounded by validate().
    let bytes = request.umem.frames * request.umem.chunkSize
    guard bytes <= quota.umemBytes else {
      throw XSKError("UMEM of \(bytes) bytes", "over the quota of \(quota.umemBytes)", remedy: "use fewer frames")
    }
  }

  private func makeMemory(_ wanted: UMEMConfiguration, file: CInt?) throws(XSKError) -> UMEM {
    guard let file else {
      throw XSKError("memory file", "none came with the request", remedy: "send its descriptor along")
    }
    let code = cxsk_memfd_fits(file, UInt64(wanted.frames * wanted.chunkSize))
    guard code == 0 else {
      let problem =
        switch -code {
        case EBADF: "no memory file of plain pages (memfd_create)"
        case EPERM: "not sealed with F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL"
        case EFBIG: "too small"
        case ENODATA: "not all there: write to each page first"
        default: errorName(code)
        }
      throw XSKError("memory file", problem, remedy: "give another")
    }
    return try UMEM(lent: file, wanted)
  }
}
