import FoundationEssentials

/// Keys that an object of a JSON text has more than once. Parsers take the one or the other, and nobody learns which (RFC 8259,
/// section 4).
public enum RepeatedKey {
  /// An object or a list that has begun and not ended.
  private struct Level {
    /// nil: a list.
    var keys: Set<String>?
    /// The key that a value belongs to.
    var key: String?
    var awaitsKey: Bool
  }

  /// The first, with the keys above it: `runtimeConfig.mac`; nil: there is none.
  ///
  /// - Parameter json: a text that a parser has taken.
  public static func first(in json: [UInt8]) -> String? {
    var levels: [Level] = []
    var place = 0
    while place < json.count {
      switch json[place] {
      case UInt8(ascii: "{"): levels.append(Level(keys: [], awaitsKey: true))
      case UInt8(ascii: "["): levels.append(Level(awaitsKey: false))
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = levels.popLast()
      case UInt8(ascii: ","):
        if let last = levels.indices.last { levels[last].awaitsKey = levels[last].keys != nil }
      case UInt8(ascii: "\""):
        let end = endOfString(json, from: place)
        if let last = levels.indices.last, levels[last].awaitsKey {
          let key = text(json[place..<end])
          (levels[last].key, levels[last].awaitsKey) = (key, false)
          if levels[last].keys?.insert(key).inserted == false {
            return levels.compactMap(\.key).joined(separator: ".")
          }
        }
        place = end - 1
      default: break
      }
      place += 1
    }
    return nil
  }

  /// Behind the quotation mark that ends a string, or the text's end.
  private static func endOfString(_ json: [UInt8], from start: Int) -> Int {
    var place = start + 1
    while place < json.count, json[place] != UInt8(ascii: "\"") {
      place += json[place] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(place + 1, json.count)
  }

  /// A string as it is meant: a key may be written in several ways.
  private static func text(_ quoted: ArraySlice<UInt8>) -> String {
    (try? JSONDecoder().decode(String.self, from: Data(quoted))) ?? String(decoding: quoted, as: UTF8.self)
  }
}
