/// Takes chunks apart again (RFC 9112 7.1), as they arrive. Trailers are not understood: our server sends none.
struct HTTPChunks {
  private enum Part: Equatable {
    case size
    case data(left: Int)
    case behindData
    case behindEnd
    case done
  }

  private var part = Part.size
  private var line: [UInt8] = []

  /// The last chunk was there.
  var isComplete: Bool { part == .done }

  /// Adds what arrived, and hands out the body in it; nil: these are no chunks.
  mutating func add(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var (rest, body) = (bytes, [UInt8]())
    while !rest.isEmpty {
      if case .data(let left) = part {
        let piece = rest.prefix(left)
        body += piece
        rest = rest.dropFirst(piece.count)
        part = piece.count < left ? .data(left: left - piece.count) : .behindData
        continue
      }
      guard part != .done, let byte = rest.popFirst() else { return nil }
      line.append(byte)
      guard byte == UInt8(ascii: "\n") else {
        guard line.count < 20 else { return nil }
        continue
      }
      guard line.count >= 2, line[line.count - 2] == UInt8(ascii: "\r"), endLine(line.dropLast(2)) else { return nil }
      line = []
    }
    return body
  }

  private mutating func endLine(_ text: ArraySlice<UInt8>) -> Bool {
    switch part {
    case .size:
      guard text.first != UInt8(ascii: "+"), text.first != UInt8(ascii: "-"),
        let size = Int(String(decoding: text, as: UTF8.self), radix: 16), size < 1 << 32
      else { return false }
      part = size == 0 ? .behindEnd : .data(left: size)
      return true
    case .behindData:
      part = .size
      return text.isEmpty
    case .behindEnd:
      part = .done
      return text.isEmpty
    case .data, .done: return false
    }
  }
}
