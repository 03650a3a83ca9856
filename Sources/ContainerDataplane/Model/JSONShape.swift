/// What a JSON text has where, whatever its texts and numbers say.
enum JSONShape: Decodable {
  case null, value
  case list([JSONShape])
  case object([String: JSONShape])

  init(from decoder: any Decoder) throws {
    if let single = try? decoder.singleValueContainer(), single.decodeNil() {
      self = .null
    } else if let members = try? [String: JSONShape](from: decoder) {
      self = .object(members)
    } else if let elements = try? [JSONShape](from: decoder) {
      self = .list(elements)
    } else {
      self = .value
    }
  }

  /// The path of the first key, by name, that is not in the same place of another; null counts as no key.
  func firstKey(missingIn other: JSONShape) -> String? {
    switch (self, other) {
    case (.object(let members), .object(let others)):
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        if case .null = member { continue }
        guard let counterpart = others[key] else { return key }
        guard let stray = member.firstKey(missingIn: counterpart) else { continue }
        return stray.hasPrefix("[") ? key + stray : "\(key).\(stray)"
      }
    case (.list(let elements), .list(let others)):
      for (index, (element, counterpart)) in zip(elements, others).enumerated() {
        guard let stray = element.firstKey(missingIn: counterpart) else { continue }
        return stray.hasPrefix("[") ? "[\(index)]\(stray)" : "[\(index)].\(stray)"
      }
    case (.object(let members), _): return members.keys.min()
    default: break
    }
    return nil
  }
}
