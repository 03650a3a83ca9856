public import GROLite
public import XSKEngine

/// A worker's connection to the host's stack, through a queue of a TAP device: units go up, what the stack sends comes down.
///
/// Up, an aggregate is one super-frame: headers made here, the payload of each packet gathered from where it lies. Down, what
/// the stack left to segmentation offload is cut into packets, which the worker then forwards like any others.
public struct HostPort: ~Copyable {
  var queue: TapQueue
  var staging = TapStaging()
  /// What is being cut; its packets from `next` on are still to be composed.
  var segmenter: Segmenter?
  var next = 0
  /// Whether the virtio-net header in the queue's scratch is that of a packet which is complete as it is.
  var hasPlainHeader = false
  /// Frames of the stack's that one turn reads at most, so that it ends however many can't be sent.
  let batch: Int

  /// - Parameter batch: packets of a burst at most, as the worker is configured.
  public init(_ queue: consuming TapQueue, batch: Int) {
    self.queue = queue
    self.batch = batch
  }

  /// Readable when the stack has something to send.
  public var wakeDescriptor: CInt { queue.wakeDescriptor }
}

// MARK: Up

extension HostPort {
  /// Hands a packet to the stack as it is, whose checksums the stack verifies.
  public mutating func deliver(_ index: Int, in burst: borrowing Burst) -> Verdict {
    if !hasPlainHeader {
      write(VirtioNetHeader())
      hasPlainHeader = true
    }
    return queue.send(from: burst) { $0.append(index) } ? .delivered : .drop(.hostRefused)
  }

  /// Hands all packets of a unit to the stack and sets their verdicts.
  public mutating func deliver(_ unit: GROUnit, of gro: borrowing GROLite, in burst: inout Burst) {
    guard unit.form == .linear, unit.count <= TapQueue.maximumPieces, takes(unit, of: gro) else {
      var index = unit.first
      for place in 0..<unit.count {
        burst[verdict: index] = deliver(index, in: burst)
        if place + 1 < unit.count { index = gro.next(after: index) }
      }
      return
    }
    let verdict: Verdict = deliverSuperFrame(unit, of: gro, in: burst) ? .delivered : .drop(.hostRefused)
    gro.forEachPacket(of: unit) { burst[verdict: $0] = verdict }
  }

  /// Whether the kernel knows this kind of super-frame.
  private func takes(_ unit: GROUnit, of gro: borrowing GROLite) -> Bool {
    let key = gro.summary(of: unit).key
    guard key.ipProtocol == .tcp else { return queue.offloads.contains(.udp) }
    return queue.offloads.contains(key.version == 4 ? .tcp4 : .tcp6)
  }

  private mutating func deliverSuperFrame(
    _ unit: GROUnit, of gro: borrowing GROLite, in burst: borrowing Burst
  ) -> Bool {
    var headers = queue.headers()
    let virtio = gro.writeSuperFrameHeader(of: unit, burst.packets, to: &headers)
    write(virtio)
    hasPlainHeader = false
    return queue.send(from: burst, headers: Int(virtio.headerLength)) { pieces in
      gro.forEachPayload(of: unit) { index, offset, length in pieces.append(index, offset..<offset + length) }
    }
  }

  private mutating func write(_ header: VirtioNetHeader) {
    var bytes = queue.virtioHeader()
    header.write(to: &bytes)
  }
}

// MARK: Down

extension HostPort {
  /// Composes packets of what the stack has sent, as many as the burst has room for; the rest waits for the next turn. (If
  /// there is none, since the worker stops, the rest was never received: the stack's device goes away with it.)
  ///
  /// - Parameter verdict: what becomes of them.
  public mutating func originate(_ burst: inout Burst, _ verdict: Verdict) {
    var reads = batch
    while true {
      if segmenter == nil && !readNext(&burst, verdict, &reads) { return }
      guard composePending(&burst, verdict) else { return }
    }
  }

  /// Reads until there is something to cut. What can't be cut is counted and dropped: 256 bytes of it at most.
  ///
  /// - Parameter reads: how many are left to this turn.
  private mutating func readNext(_ burst: inout Burst, _ verdict: Verdict, _ reads: inout Int) -> Bool {
    while reads > 0 && burst.room(for: verdict) > 0 && staging.read(from: queue) {
      reads -= 1
      let virtio = VirtioNetHeader(staging.virtioHeader)
      let made = Self.cut(virtio, &staging)
      guard made.refusal == nil else {
        burst.compose(.drop(.hostMalformed), staging.frame.extracting(first: 256))
        continue
      }
      segmenter = made
      next = 0
      return true
    }
    return false
  }

  private static func cut(_ virtio: VirtioNetHeader, _ staging: inout TapStaging) -> Segmenter {
    var frame = staging.mutableFrame()
    return Segmenter(virtio, &frame)
  }

  /// - Returns: whether all packets of what was read are composed.
  private mutating func composePending(_ burst: inout Burst, _ verdict: Verdict) -> Bool {
    guard let segmenter else { return true }
    while next < segmenter.count {
      // One that never fits is composed all the same: so it is counted as dropped.
      guard burst.fit(length: segmenter.length(next), for: verdict) != .later else { return false }
      Self.compose(next, segmenter, staging, &queue, &burst, verdict)
      next += 1
    }
    self.segmenter = nil
    return true
  }

  private static func compose(
    _ number: Int, _ segmenter: Segmenter, _ staging: borrowing TapStaging, _ queue: inout TapQueue,
    _ burst: inout Burst, _ verdict: Verdict
  ) {
    var headers = queue.headers()
    let segment = segmenter.writeSegment(number, of: staging.frame, to: &headers)
    burst.compose(
      verdict, queue.headers(first: segment.headerLength), staging.frame.extracting(segment.payload))
  }
}
