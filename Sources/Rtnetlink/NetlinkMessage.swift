import CXsk

/// One rtnetlink request being put together: header, fixed part, attributes (rtnetlink(7)). All numbers are in host
/// byte order; each part starts at a multiple of four bytes.
package struct NetlinkMessage {
  package private(set) var bytes: [UInt8] = []

  package init(type: Int, flags: Int32) {
    append(nlmsghdr(nlmsg_len: 0, nlmsg_type: UInt16(type), nlmsg_flags: UInt16(flags), nlmsg_seq: 0, nlmsg_pid: 0))
  }

  /// Appends a C struct as it lies in memory.
  package mutating func append<Value: BitwiseCopyable>(_ value: Value) {
    // The struct's bytes, copied before the closure ends.
    unsafe withUnsafeBytes(of: value) { unsafe bytes += $0 }
    pad()
  }

  package mutating func attribute(_ type: Int, _ content: [UInt8]) {
    append(rtattr(rta_len: UInt16(4 + content.count), rta_type: UInt16(type)))
    bytes += content
    pad()
  }

  package mutating func attribute(_ type: Int, _ number: UInt32) {
    attribute(type, hostBytes(of: number))
  }

  package mutating func attribute(_ type: Int, _ text: String) {
    attribute(type, Array(text.utf8) + [0])
  }

  /// An attribute that holds what `body` appends.
  package mutating func nested(_ type: Int, _ body: (inout NetlinkMessage) -> Void) {
    let start = bytes.count
    append(rtattr(rta_len: 0, rta_type: UInt16(type)))
    body(&self)
    set(UInt16(bytes.count - start), at: start)
  }

  /// The finished message with its length and `sequence` filled in.
  package func finished(sequence: UInt32) -> [UInt8] {
    var message = self
    message.set(UInt32(bytes.count), at: 0)
    message.set(sequence, at: 8)
    return message.bytes
  }

  private mutating func set<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
    bytes.replaceSubrange(offset..<offset + MemoryLayout<Value>.size, with: hostBytes(of: value))
  }

  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private func hostBytes<Value: BitwiseCopyable>(of value: Value) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
  }
}

/// The attributes behind the fixed part of a reply. Lengths are checked: a broken one ends the walk.
package struct NetlinkAttributes {
  private var values: [Int: ArraySlice<UInt8>] = [:]

  package init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(rest.number(UInt16.self) ?? 0)
      guard length >= 4, length <= rest.count else { return }
      let type = Int(rest.dropFirst(2).number(UInt16.self) ?? 0) & 0x3fff
      values[type] = rest.dropFirst(4).prefix(length - 4)
      rest = rest.dropFirst((length + 3) & ~3)
    }
  }

  package subscript(type: Int) -> ArraySlice<UInt8>? { values[type] }

  package func string(_ type: Int) -> String? {
    self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension ArraySlice<UInt8> {
  /// The number in host byte order that the slice starts with; nil if it is too short.
  package func number<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value? {
    guard count >= MemoryLayout<Value>.size else { return nil }
    // In bounds by the guard; unaligned on purpose.
    return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(as: Value.self) }
  }
}
