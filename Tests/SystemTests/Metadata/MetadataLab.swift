import PacketHeaders
import PacketSamples
import Testing
import XSKLab

@testable import XSKEngine

/// A cable whose right end receives with metadata; what is sent comes from the left end's stack.
struct MetadataLab {
  let cable: Cable
  let receiver: SteppedWorker
  let sender: PacketSocket
  let configuration: MetadataConfiguration

  /// Everything that the engine's program can write.
  static let all = MetadataConfiguration(Set(MetadataKey.wellKnown.map(\.key)), mark: 0xc0ff_ee01)

  init(
    _ configuration: MetadataConfiguration = MetadataLab.all, usesHints: Bool = true, mtu: UInt32 = 1500,
    umem: UMEMConfiguration = UMEMConfiguration(frames: 1024)
  ) throws {
    var umem = umem
    umem.metadataLength = configuration.length
    cable = try Cable(mtu: mtu)
    receiver = try SteppedWorker(
      [.init(namespace: cable.right, device: "r0", metadata: configuration, usesHints: usesHints)], umem: umem,
      socket: SocketConfiguration(rings: RingSizes(receive: 256, transmit: 256), multiBuffer: mtu > 1500))
    sender = try PacketSocket(in: cable.left, device: "l0")
    self.configuration = configuration
  }

  /// Sends frames one after the other, and answers how the worker saw them.
  func exchange(_ frames: [[UInt8]]) throws -> [SeenPacket] {
    let before = receiver.log.packets.count
    for (place, frame) in frames.enumerated() {
      try sender.send(frame)
      try #require(receiver.receive(before + place + 1))
    }
    let seen = Array(receiver.log.packets[before...])
    #expect(seen.map(\.bytes) == frames)
    return seen
  }

  var hints: ReceiveHints { receiver.programs[0].hints }

  func index(_ namespace: NetworkNamespace, _ device: String) throws -> UInt64 {
    UInt64(try namespace.link(device).index)
  }
}

extension SamplePacket {
  /// Its flow tag as PacketHeaders makes it of the parsed packet; nil if it has no flow.
  var softwareTag: UInt64? {
    let bytes = frame
    let summary = PacketSummary(bytes.packet)
    guard summary.hasFlow else { return nil }
    return UInt64(FlowTag(summary.key).rawValue)
  }
}
