import CXsk
import Glibc
import XSKLab

@testable import XSKEngine

/// An AF_XDP socket of the engine's, its rings driven by hand: what a test sends with, and looks at single descriptors
/// with. No program is attached: transmitting needs none.
final class RawEnd {
  let umem: UMEM
  let socket: XSKSocket
  private var fill: FillRing
  private var completion: CompletionRing
  private var receive: ReceiveRing
  private var transmit: TransmitRing
  /// Descriptors handed to the kernel for transmitting and not completed.
  private(set) var outstanding = 0
  private var nextFrame = 0

  static let defaultSocket = SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256))

  init(
    in namespace: NetworkNamespace, _ device: String, queue: Int = 0,
    umem configuration: UMEMConfiguration = UMEMConfiguration(frames: 512),
    socket options: SocketConfiguration = RawEnd.defaultSocket, sharing owner: RawEnd? = nil
  ) throws {
    let memory = if let owner { owner.umem } else { try UMEM(configuration) }
    umem = memory
    let index = try namespace.link(device).index
    socket = try namespace.run {
      let socket = try XSKSocket(name: "\(device) queue \(queue)", umem: owner == nil ? memory : nil, options)
      try socket.bind(ifindex: index, queue: queue, sharing: owner?.socket)
      return socket
    }
    let rings = QueueRings(socket.rings)
    // The rings' memory is the socket's, which this object keeps.
    fill = unsafe FillRing(rings.fill)
    completion = unsafe CompletionRing(rings.completion)
    receive = unsafe ReceiveRing(rings.receive)
    transmit = unsafe TransmitRing(rings.transmit)
  }

  // MARK: Transmitting

  /// Writes descriptors as they are, valid or not, and shows them to the kernel.
  func queue(_ descriptors: [Descriptor]) -> Bool {
    guard transmit.room(for: UInt32(descriptors.count)) == UInt32(descriptors.count) else { return false }
    for descriptor in descriptors { transmit.write(descriptor) }
    transmit.publish()
    outstanding += descriptors.count
    return true
  }

  /// Descriptors that the kernel has not taken.
  var transmitPending: UInt32 { transmit.pending }

  /// One sendto(2); 0 or a negative errno.
  @discardableResult func kick() -> CInt { cxsk_wake_tx(socket.descriptor) }

  /// Addresses that were completed since the last call.
  func reap() -> [UInt64] {
    var addresses: [UInt64] = []
    while completion.available(upTo: 1) == 1 { addresses.append(completion.read()) }
    completion.release()
    outstanding -= addresses.count
    return addresses
  }

  /// Puts a frame's bytes into the next chunks of the UMEM and answers its descriptors, `piece` bytes each at most.
  func place(_ frame: [UInt8], piece: Int? = nil, offset: Int = 0) -> [Descriptor] {
    let room = piece ?? umem.layout.chunkSize - offset
    var descriptors: [Descriptor] = []
    for start in stride(from: 0, to: frame.count, by: room) {
      let bytes = Array(frame[start..<min(frame.count, start + room)])
      let address = umem.layout.address(ofFrame: nextFrame) + UInt64(offset)
      nextFrame = (nextFrame + 1) % umem.layout.frameCount
      write(bytes, at: address)
      let isLast = start + room >= frame.count
      descriptors.append(
        Descriptor(address: address, length: UInt32(bytes.count), options: isLast ? 0 : Descriptor.continues))
    }
    return descriptors
  }

  /// Sends whole frames, in portions that the far end's ring can take, and calls `between` after each portion.
  ///
  /// - Returns: false if the kernel did not complete them in time, or completed more than it was given.
  func send(_ frames: [[UInt8]], portion: Int = 32, between: () -> Void = {}) -> Bool {
    for start in stride(from: 0, to: frames.count, by: portion) {
      for frame in frames[start..<min(frames.count, start + portion)] where !queue(place(frame)) { return false }
      let isDone = eventually {
        kick()
        _ = reap()
        return outstanding <= 0
      }
      guard isDone, outstanding == 0 else { return false }
      between()
    }
    return true
  }

  // MARK: Receiving

  /// Gives frames `range` of the UMEM to the kernel.
  func fill(_ range: Range<Int>) -> Bool {
    guard fill.room(for: UInt32(range.count)) == UInt32(range.count) else { return false }
    for index in range { fill.write(umem.layout.address(ofFrame: index)) }
    fill.publish()
    return true
  }

  /// What has been received since the last call.
  func takeReceived() -> [Descriptor] {
    let count = receive.available(upTo: receive.size)
    let descriptors = (0..<count).map { receive.peek($0) }
    receive.release(count)
    return descriptors
  }

  // MARK: Memory

  func write(_ bytes: [UInt8], at address: UInt64) {
    precondition(address + UInt64(bytes.count) <= umem.layout.size)
    // Inside the UMEM, as just checked.
    for (offset, byte) in bytes.enumerated() {
      unsafe umem.layout.pointer(to: address + UInt64(offset)).storeBytes(of: byte, as: UInt8.self)
    }
  }

  func bytes(_ descriptor: Descriptor) -> [UInt8] {
    let address = umem.layout.plain(descriptor.address)
    precondition(address + UInt64(descriptor.length) <= umem.layout.size)
    // Inside the UMEM, as just checked.
    return (0..<UInt64(descriptor.length)).map { unsafe umem.layout.pointer(to: address + $0).load(as: UInt8.self) }
  }

  /// poll(2) for `events`; what came of it.
  func poll(_ events: CInt, milliseconds: CInt) -> Int16 {
    var entry = pollfd(fd: socket.descriptor, events: Int16(events), revents: 0)
    // One entry, as it says.
    _ = unsafe Glibc.poll(&entry, 1, milliseconds)
    return entry.revents
  }
}
