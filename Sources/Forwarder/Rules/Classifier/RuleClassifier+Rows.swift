import CXsk
public import PacketHeaders

extension RuleClassifier {
  // MARK: Addresses, ports, protocol

  @inlinable @inline(always)
  func flowRows(_ key: FlowKey, _ flags: PacketSummary.Flags, _ fault: Malformation) -> RuleFlowRows {
    var rows = RuleFlowRows()
    if fieldsInUse & 0x03 != 0 { findAddressRows(key, flags, &rows) }
    findServiceRows(key, flags, fault, &rows)
    return rows
  }

  /// Protocol and ports.
  @inlinable @inline(always)
  func findServiceRows(
    _ key: FlowKey, _ flags: PacketSummary.Flags, _ fault: Malformation, _ rows: inout RuleFlowRows
  ) {
    if fieldsInUse & 0x0C != 0 {
      let hasPorts = flags.contains(.flow)
      if fieldsInUse & 0x04 != 0 {
        rows.destinationPort = hasPorts ? longRow(.destinationPort, key.destinationPort) : absentRow(.destinationPort)
      }
      if fieldsInUse & 0x08 != 0 {
        rows.sourcePort = hasPorts ? longRow(.sourcePort, key.sourcePort) : absentRow(.sourcePort)
      }
    }
    if fieldsInUse & 0x10 != 0 {
      let isUnknown = key.version == 0 || fault.isBehindIPv6Header
      rows.ipProtocol = isUnknown ? absentRow(.ipProtocol) : shortRow(.ipProtocol, key.ipProtocol.rawValue)
    }
  }

  @inlinable @inline(always)
  func findAddressRows(_ key: FlowKey, _ flags: PacketSummary.Flags, _ rows: inout RuleFlowRows) {
    if !flags.contains(.addresses) {
      rows.destination = absentRow(.destination)
      rows.source = absentRow(.source)
    } else if key.version == 4 {
      if fieldsInUse & 0x01 != 0 { rows.destination = row(.destination, key.destinationIPv4) }
      if fieldsInUse & 0x02 != 0 { rows.source = row(.source, key.sourceIPv4) }
    } else {
      if fieldsInUse & 0x01 != 0 { rows.destination = row6(.destination, key.address2, key.address3) }
      if fieldsInUse & 0x02 != 0 { rows.source = row6(.source, key.address0, key.address1) }
    }
  }

  // MARK: The other fields

  @inlinable @inline(never)
  func findOtherRows<Context: RuleContext & ~Copyable & ~Escapable>(
    _ packet: borrowing PacketSummary, _ frame: RawSpan, _ length: Int, _ ingressPort: UInt8,
    _ context: borrowing Context, _ rows: inout RuleRowList
  ) {
    setShort(.ingressPort, ingressPort, isThere: true, &rows)
    setLong(.length, UInt16(truncatingIfNeeded: min(length, 0xFFFF)), isThere: true, &rows)
    setShort(.ipVersion, packet.key.version, isThere: packet.key.version != 0, &rows)
    let fault = packet.malformation
    let isIPGood = packet.key.version != 0 && !fault.isInIPHeader
    let isFragment = packet.flags.contains(.fragment)
    setShort(.fragment, isFragment ? 1 : 0, isThere: isIPGood, &rows)
    setShort(.tcpFlags, packet.tcpFlags.rawValue, isThere: packet.isTCP, &rows)
    if fieldsInUse & Self.icmpFields != 0 { setICMP(packet, frame, &rows) }
    if fieldsInUse & Self.linkFields != 0 { setLink(packet, frame, &rows) }
    for number in 0..<hashedCount {
      // Below the count of hashed fields, of which there are at most 16.
      unsafe rows.append(hashedRow(hashedFields[number], packet, context))
    }
  }

  @inlinable static var icmpFields: UInt32 {
    1 &<< UInt32(RuleField.icmpType.rawValue) | 1 &<< UInt32(RuleField.icmpCode.rawValue)
  }

  @inlinable static var linkFields: UInt32 {
    1 &<< UInt32(RuleField.vlan.rawValue) | 1 &<< UInt32(RuleField.vlanPriority.rawValue)
      | 1 &<< UInt32(RuleField.etherType.rawValue)
  }

  @inlinable @inline(always)
  func setICMP(_ packet: borrowing PacketSummary, _ frame: RawSpan, _ rows: inout RuleRowList) {
    let upper = packet.key.identity &>> 32 & 0xFFFF
    let offset = Int(packet.transportOffset)
    let isFragment = packet.flags.contains(.fragment)
    let fault = packet.malformation
    let isThere =
      (upper == 0x0401 || upper == 0x063A) && !isFragment && fault == .none && offset &+ 2 <= frame.byteCount
    let type = isThere ? frame.byte(offset) : 0
    let code = isThere ? frame.byte(offset &+ 1) : 0
    setShort(.icmpType, type, isThere: isThere, &rows)
    setShort(.icmpCode, code, isThere: isThere, &rows)
  }

  @inlinable @inline(always)
  func setLink(_ packet: borrowing PacketSummary, _ frame: RawSpan, _ rows: inout RuleRowList) {
    let tag = packet.outerVLAN
    let fault = packet.malformation
    let isTagless = fault != .ethernetTruncated && fault != .vlanTruncated
    let id = tag.map { $0 & 0xFFF } ?? RuleKeys.untagged
    setLong(.vlan, id, isThere: tag != nil || isTagless, &rows)
    setShort(.vlanPriority, UInt8(truncatingIfNeeded: (tag ?? 0) &>> 13), isThere: tag != nil, &rows)
    let offset = Int(packet.networkOffset) &- 2
    let hasType = offset >= 12 && isTagless && fault != .vlanTooDeep && offset &+ 2 <= frame.byteCount
    let type = hasType ? UInt16(frame.byte(offset)) &<< 8 | UInt16(frame.byte(offset &+ 1)) : 0
    setLong(.etherType, type, isThere: hasType, &rows)
  }

  @inlinable @inline(always)
  func hashedRow<Context: RuleContext & ~Copyable & ~Escapable>(
    _ table: RuleHashedTable, _ packet: borrowing PacketSummary, _ context: borrowing Context
  ) -> UInt32 {
    var value: UInt64 = 0
    if table.kind == .metadata {
      guard let found = context.metadata(table.key) else { return table.absent }
      value = found
    } else {
      // Raw IP has no link header; of a frame shorter than one the addresses are 0.
      guard packet.networkOffset != 0, packet.malformation != .ethernetTruncated else { return table.absent }
      value = table.kind == .sourceMAC ? packet.sourceMAC : packet.destinationMAC
    }
    value &= table.mask
    var slot = table.firstSlot(value)
    while true {
      // Masked; the table is at most half full, so the search ends.
      let entry = unsafe slots[Int(table.base) &+ Int(slot)]
      if entry.isUsed == 0 { return table.other }
      if entry.value == value { return entry.row }
      slot = (slot &+ 1) & table.slotMask
    }
  }

  // MARK: Looking up

  @inlinable @inline(always)
  func setShort(_ field: RuleField, _ key: UInt8, isThere: Bool, _ rows: inout RuleRowList) {
    guard fieldsInUse &>> UInt32(field.rawValue) & 1 != 0 else { return }
    rows.append(isThere ? shortRow(field, key) : absentRow(field))
  }

  @inlinable @inline(always)
  func setLong(_ field: RuleField, _ key: UInt16, isThere: Bool, _ rows: inout RuleRowList) {
    guard fieldsInUse &>> UInt32(field.rawValue) & 1 != 0 else { return }
    rows.append(isThere ? longRow(field, key) : absentRow(field))
  }

  /// Fields of 8 bits: a row for each key.
  @inlinable @inline(always)
  func shortRow(_ field: RuleField, _ key: UInt8) -> UInt32 {
    // The list has 256 rows.
    unsafe map[Int(fields[field.rawValue].root) &+ Int(key)]
  }

  /// Fields of more bits, up to 16: a page for each upper byte, a row for each lower one.
  @inlinable @inline(always)
  func longRow(_ field: RuleField, _ key: UInt16) -> UInt32 {
    // The compiler made a page for every upper byte that a key of this field may have.
    let page = unsafe map[Int(fields[field.rawValue].root) &+ Int(key &>> 8)]
    return unsafe map[Int(page) &+ Int(key & 0xFF)]
  }

  @inlinable @inline(always)
  func absentRow(_ field: RuleField) -> UInt32 {
    // There is a table for every field; of one that nobody asks for all rows are 0.
    unsafe fields[field.rawValue].absent
  }

  @inlinable @inline(always)
  func row(_ field: RuleField, _ key: UInt32) -> UInt32 {
    // As in absentRow(_:).
    var key = key
    return unsafe descend(fields[field.rawValue].root, &key)
  }

  /// Follows the tables for one 32-bit key, to a row or to what goes on behind it.
  @inlinable @inline(always)
  func descend(_ root: UInt32, _ key: inout UInt32) -> UInt32 {
    var entry = root
    while entry &>> 30 == 2 {
      let bits = entry &>> 26 & 15 &+ 1
      let index = key &>> (32 &- bits)
      key &<<= bits
      // The table has 2^bits entries.
      entry = unsafe map[Int(entry & 0x3FF_FFFF) &* 16 &+ Int(index)]
    }
    guard entry &>> 30 == 1 else { return entry }
    return line(entry, key)
  }

  /// The entry that a line of sorted keys has for a key: as many keys are below it as its place tells.
  @inlinable @inline(always)
  func line(_ entry: UInt32, _ key: UInt32) -> UInt32 {
    // A line has 16 words and lies on a cache line of its own.
    let line = unsafe map + Int(entry & 0x3FFF_FFFF) &* 16
    return unsafe line[8 &+ Int(cxsk_keys_below(line, Int32(bitPattern: key ^ 1 &<< 31)))]
  }

  /// IPv6 addresses, as in memory: 32 bits at a time, mostly the first 32 or 64.
  @inlinable @inline(always)
  func row6(_ field: RuleField, _ upper: UInt64, _ lower: UInt64) -> UInt32 {
    var (upper, lower) = (upper, lower)
    // As in absentRow(_:).
    var entry = unsafe fields[field.rawValue].root6
    while true {
      var key = UInt32(truncatingIfNeeded: upper).byteSwapped
      entry = descend(entry, &key)
      guard entry &>> 30 == 3 else { return entry }
      // At most three times: the compiler nests four trees.
      entry = unsafe map[Int(entry & 0x3FFF_FFFF)]
      upper = upper &>> 32 | lower &<< 32
      lower &>>= 32
    }
  }
}

extension RawSpan {
  /// A byte; the offset is checked.
  @inlinable @inline(always)
  func byte(_ offset: Int) -> UInt8 {
    // Any bit pattern is a number.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Four bytes in network order; the offset is checked.
  @inlinable @inline(always)
  func word(_ offset: Int) -> UInt32 {
    // As above.
    unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
