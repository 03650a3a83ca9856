import Testing

@testable import XSKEngine

/// A packet as the engine's worker showed it to its handler.
struct SeenPacket {
  /// Over all descriptors.
  var bytes: [UInt8] = []
  var length: Int
  var descriptors: [Descriptor]
  var port: UInt8
  var queue: Int
  /// The eight bytes ahead of the packet: where an XDP program's metadata would be.
  var ahead: UInt64
  /// Its metadata, by key.
  var metadata: [MetadataKey: UInt64] = [:]
}

/// Every packet that a handler saw, in order.
final class PacketLog {
  var packets: [SeenPacket] = []
  /// What to answer; the packet's place in the log is given.
  var verdict: (Int) -> Verdict = { _ in .drop(.policy) }
  /// Packets are held instead, as long as the worker lets us.
  var isHolding = false
  var held: [HeldPacket] = []
  /// What becomes of them once holding is over.
  var releaseVerdict = Verdict.drop(.policy)
}

/// Writes down what it sees.
struct Recorder: PacketHandler {
  let log: PacketLog

  mutating func handle(_ burst: inout Burst) {
    for index in 0..<burst.count {
      log.packets.append(see(burst, index))
      if log.isHolding {
        if let packet = burst.hold(index) { log.held.append(packet) }
      } else {
        burst[verdict: index] = log.verdict(log.packets.count - 1)
      }
    }
  }

  mutating func housekeeping(_ held: inout HeldPackets, nanoseconds: UInt64) {
    guard !log.isHolding else { return }
    for packet in log.held { held.release(packet, log.releaseVerdict) }
    log.held = []
  }

  private func see(_ burst: borrowing Burst, _ index: Int) -> SeenPacket {
    let head = burst.descriptors[index]
    var descriptors = [Descriptor(address: head.address, length: head.length)]
    for fragment in Burst.fragmentRange(head) { descriptors.append(burst.fragments[fragment]) }
    let layout = burst.layout
    var packet = SeenPacket(
      length: burst.length(index), descriptors: descriptors, port: burst.port, queue: burst.queue, ahead: 0)
    for descriptor in descriptors {
      // The worker has checked address and length; the tests check them once more.
      let bytes = unsafe UnsafeRawBufferPointer(
        start: layout.pointer(to: descriptor.address), count: Int(descriptor.length))
      unsafe packet.bytes.append(contentsOf: bytes)
    }
    // A received packet lies 256 bytes or more behind the start of its chunk.
    if head.address >= 8 { packet.ahead = unsafe layout.pointer(to: head.address - 8).loadUnaligned(as: UInt64.self) }
    let metadata = burst.metadata(index)
    for key in (0..<64).compactMap({ MetadataKey(number: $0) }) { packet.metadata[key] = metadata.get(key) }
    return packet
  }
}

extension PacketLog {
  /// The assertions of the kernel's list on every receive: order, count, length, payload, address inside the UMEM and not
  /// across a chunk, offset = headroom + 256.
  func expect(
    _ frames: [[UInt8]], umem: UMEMConfiguration, port: UInt8? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let packets = packets.filter { port == nil || $0.port == port }
    #expect(packets.count == frames.count, sourceLocation: sourceLocation)
    for (number, (packet, frame)) in zip(packets, frames).enumerated() {
      let isSame = packet.length == frame.count && packet.bytes == frame
      #expect(
        isSame, "packet \(number): \(packet.length) bytes instead of \(frame.count)",
        sourceLocation: sourceLocation)
      for descriptor in packet.descriptors {
        let offset = Int(descriptor.address) % umem.chunkSize
        let isInside = Int(descriptor.address) / umem.chunkSize < umem.frames
        #expect(isInside, "packet \(number) at \(descriptor.address)", sourceLocation: sourceLocation)
        #expect(offset + Int(descriptor.length) <= umem.chunkSize, sourceLocation: sourceLocation)
        #expect(offset == umem.headroom + 256, sourceLocation: sourceLocation)
      }
    }
  }
}
