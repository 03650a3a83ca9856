public import GROLite
public import PacketHeaders
public import XSKEngine

extension BurstPackets: PacketBatch {
  /// Metadata need not have flow tags in it: some packet tells. Where one has a tag, one without is an exception.
  @inlinable @inline(always)
  public var hasFlowTags: Bool { hasMetadata && hasSomeFlowTag }

  @inlinable @inline(never)
  var hasSomeFlowTag: Bool {
    for index in 0..<count where metadata(at: index).flowTag != nil { return true }
    return false
  }

  @inlinable
  public func flowTag(at index: Int) -> FlowTag? { metadata(at: index).flowTag }
}
