import PacketHeaders
import XSKEngine

/// Prefix sets, for rules that ask nothing of metadata.
@frozen @usableFromInline struct PrefixSetContext: RuleContext, BitwiseCopyable, ~Escapable {
  @usableFromInline let sets: Span<PrefixSet.View>

  @inlinable @inline(always) @_lifetime(copy sets)
  init(_ sets: Span<PrefixSet.View>) { self.sets = sets }

  @inlinable @inline(always) func metadata(_ key: UInt8) -> UInt64? { nil }
  @inlinable @inline(always) func contains(_ address: UInt32, inSet set: Int) -> Bool {
    sets[set].contains(address)
  }
  @inlinable @inline(always) func contains(_ address: UInt128, inSet set: Int) -> Bool {
    sets[set].contains(address)
  }
}

/// Prefix sets, and a packet's metadata with the mark that rules may have set.
struct MetadataContext: RuleContext, BitwiseCopyable, ~Escapable {
  let sets: Span<PrefixSet.View>
  let packet: PacketMetadata
  let mark: UInt32?

  @_lifetime(copy sets, copy packet)
  init(_ sets: Span<PrefixSet.View>, _ packet: PacketMetadata, mark: UInt32?) {
    (self.sets, self.packet, self.mark) = (sets, packet, mark)
  }

  func metadata(_ key: UInt8) -> UInt64? {
    if let mark, key == MetadataKey.mark.number { return UInt64(mark) }
    return MetadataKey(number: Int(key)).flatMap { packet.get($0) }
  }

  func contains(_ address: UInt32, inSet set: Int) -> Bool { sets[set].contains(address) }
  func contains(_ address: UInt128, inSet set: Int) -> Bool { sets[set].contains(address) }
}
