/// The Internet checksum (RFC 1071): ones' complement sums of 16-bit words.
///
/// Sums are kept in memory order. That order makes no difference to a ones' complement sum but for swapping the bytes of
/// its result, so nothing is swapped: what comes out is stored into the packet as it is.
public enum InternetChecksum {
  /// The sum of `bytes`, unfolded. An odd last byte counts as if a zero byte followed.
  ///
  /// - Parameters:
  ///   - bytes: at most 2³² bytes.
  ///   - initial: a sum to go on from; what it covers must have been an even number of bytes.
  @inlinable
  public static func sum(_ bytes: RawSpan, _ initial: UInt64 = 0) -> UInt64 {
    // The loops below stay below `count`; loads need no alignment and any bit pattern is an integer.
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return initial }
      let count = buffer.count
      // 64-bit words summed up with their carries lost, and their upper halves once more without loss: the difference is
      // the sum of the lower halves. Two additions and a shift a word, which the compiler vectorises.
      var (words, upper): (UInt64, UInt64) = (0, 0)
      var offset = 0
      while offset &+ 8 <= count {
        let word = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        words &+= word
        upper &+= word &>> 32
        offset &+= 8
      }
      var sum = initial &+ upper &+ (words &- upper &<< 32)
      if offset &+ 4 <= count {
        sum &+= UInt64(unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        offset &+= 4
      }
      if offset &+ 2 <= count {
        sum &+= UInt64(unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        offset &+= 2
      }
      if offset < count { sum &+= UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self)) }
      return sum
    }
  }

  /// Folds an unfolded sum into 16 bits, with end-around carry. 0xFFFF: a block that contained its checksum was right.
  @inlinable @inline(always)
  public static func fold(_ sum: UInt64) -> UInt16 {
    // Adding a word to itself with its halves swapped leaves their sum, with end-around carry, in the upper half.
    let wide = sum &+ (sum &<< 32 | sum &>> 32)
    let half = UInt32(truncatingIfNeeded: wide &>> 32)
    return UInt16(truncatingIfNeeded: (half &+ (half &<< 16 | half &>> 16)) &>> 16)
  }

  /// Adds two 64-bit parts of a ones' complement sum, with end-around carry.
  @inlinable @inline(always)
  static func add(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return sum &+ (overflow ? 1 : 0)
  }

  /// The checksum to store: the complement of the folded sum.
  @inlinable @inline(always)
  public static func finish(_ sum: UInt64) -> UInt16 { ~fold(sum) }

  /// The checksum to store into a UDP header, where 0 would mean "none": 0xFFFF then (RFC 768).
  @inlinable @inline(always)
  public static func finishUDP(_ sum: UInt64) -> UInt16 {
    let checksum = finish(sum)
    return checksum == 0 ? 0xFFFF : checksum
  }

  /// The unfolded sum of a pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).
  ///
  /// - Parameters:
  ///   - key: addresses and protocol. For IPv6 the destination must be the last one (no routing header before it).
  ///   - length: bytes of transport header and payload.
  @inlinable @inline(always)
  public static func pseudoHeader(_ key: FlowKey, length: Int) -> UInt64 {
    var sum = (key.address0 & 0xFFFF_FFFF) &+ (key.address0 &>> 32)
    if key.version == 6 {
      sum &+= (key.address1 & 0xFFFF_FFFF) &+ (key.address1 &>> 32)
      sum &+= (key.address2 & 0xFFFF_FFFF) &+ (key.address2 &>> 32)
      sum &+= (key.address3 & 0xFFFF_FFFF) &+ (key.address3 &>> 32)
    }
    // Protocol and length as big-endian words; 32 bits so that IPv6's longer length field sums up the same.
    sum &+= UInt64(UInt16(key.ipProtocol.rawValue).byteSwapped)
    return sum &+ UInt64(UInt32(truncatingIfNeeded: length).byteSwapped)
  }
}

extension InternetChecksum {
  /// A checksum after a 16-bit word that it covers has changed (RFC 1624, equation 3). All in memory order.
  @inlinable @inline(always)
  public static func update(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
    update(checksum, fromSum: UInt64(old), toSum: UInt64(new))
  }

  /// A checksum after a 32-bit word at an even offset has changed: an IPv4 address, a sequence number.
  @inlinable @inline(always)
  public static func update(_ checksum: UInt16, from old: UInt32, to new: UInt32) -> UInt16 {
    update(checksum, fromSum: UInt64(old), toSum: UInt64(new))
  }

  /// A checksum after a 128-bit word at an even offset has changed: an IPv6 address.
  @inlinable @inline(always)
  public static func update(_ checksum: UInt16, from old: UInt128, to new: UInt128) -> UInt16 {
    update(checksum, fromSum: words(old), toSum: words(new))
  }

  /// A checksum after bytes that summed up to `old` have come to sum up to `new`; both unfolded.
  @inlinable @inline(always)
  public static func update(_ checksum: UInt16, fromSum old: UInt64, toSum new: UInt64) -> UInt16 {
    finish(UInt64(~checksum) &+ UInt64(~fold(old)) &+ UInt64(fold(new)))
  }

  /// A UDP checksum after words have changed: an absent one (0) stays absent, and none becomes 0 (RFC 768).
  @inlinable @inline(always)
  public static func updateUDP(_ checksum: UInt16, fromSum old: UInt64, toSum new: UInt64) -> UInt16 {
    guard checksum != 0 else { return 0 }
    let updated = update(checksum, fromSum: old, toSum: new)
    return updated == 0 ? 0xFFFF : updated
  }

  @inlinable @inline(always)
  static func words(_ value: UInt128) -> UInt64 {
    let low = UInt64(truncatingIfNeeded: value)
    let high = UInt64(truncatingIfNeeded: value &>> 64)
    return (low & 0xFFFF_FFFF) &+ (low &>> 32) &+ (high & 0xFFFF_FFFF) &+ (high &>> 32)
  }
}
