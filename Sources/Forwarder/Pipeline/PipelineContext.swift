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
@frozen @usableFromInline struct MetadataContext: RuleContext, BitwiseCopyable, ~Escapable {
  @usableFromInline let sets: Span<PrefixSet.View>
  /// The metadata's bytes: plain spans need no destruction.
  @usableFromInline let block: RawSpan
  @usableFromInline let mark: UInt64
  @usableFromInline let hasMark: Bool

  @inlinable @inline(always) @_lifetime(copy sets, copy block)
  init(_ sets: Span<PrefixSet.View>, _ block: RawSpan, mark: UInt32?) {
    (self.sets, self.block) = (sets, block)
    (self.mark, hasMark) = (UInt64(mark ?? 0), mark != nil)
  }

  @inlinable @inline(always) func metadata(_ key: UInt8) -> UInt64? {
    if hasMark && key == MetadataKey.mark.number { return mark }
    guard let key = MetadataKey(number: Int(key)) else { return nil }
    let packet = PacketMetadata(block)
    return packet.get(key)
  }

  @inlinable @inline(always) func contains(_ address: UInt32, inSet set: Int) -> Bool { sets[set].contains(address) }
  @inlinable @inline(always) func contains(_ address: UInt128, inSet set: Int) -> Bool { sets[set].contains(address) }
}
