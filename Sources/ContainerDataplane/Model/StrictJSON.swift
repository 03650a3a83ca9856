import FoundationEssentials
import TenantAPI
public import XSKEngine

/// JSON to values, with errors that say where and what.
public enum StrictJSON {
  /// - Parameter file: the name that errors tell.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, _ json: [UInt8], file: String
  ) throws(XSKError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(json))
    } catch let error as DecodingError {
      throw describe(error, file)
    } catch {
      throw XSKError(file, "no JSON: \(error)", remedy: "correct it")
    }
  }

  /// As `decode`, of an object that has no other keys than the value's, and each once, as have the objects in it: one that is
  /// misspelt must not count as absent.
  public static func decodeAlone<Value: Codable>(
    _ type: Value.Type, _ json: [UInt8], file: String
  ) throws(XSKError) -> Value {
    let value = try decode(type, json, file: file)
    let given = try decode(JSONShape.self, json, file: file)
    // What was taken is there again when the value is written; that it can be written was seen as it was read.
    let taken = (try? JSONEncoder().encode(value)).flatMap { try? decode(JSONShape.self, Array($0), file: file) }
    guard let stray = given.firstKey(missingIn: taken ?? .null) else {
      guard let key = RepeatedKey.first(in: json) else { return value }
      throw XSKError("\(file): \(ProblemList.shorten(key))", "there more than once", remedy: "leave one of them")
    }
    throw XSKError("\(file): \(ProblemList.shorten(stray))", "unknown key", remedy: "correct it, or take it out")
  }

  private static func describe(_ error: DecodingError, _ file: String) -> XSKError {
    switch error {
    case .keyNotFound(let key, let context):
      XSKError("\(file): \(path(context.codingPath + [key]))", "is missing", remedy: "add it")
    case .valueNotFound(let type, let context):
      XSKError("\(file): \(path(context.codingPath))", "is null", remedy: "give it a \(name(type))")
    case .typeMismatch(let type, let context):
      XSKError("\(file): \(path(context.codingPath))", "is no \(name(type))", remedy: "make it one")
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? XSKError(file, "no JSON: \(reason(context))", remedy: "correct it")
        : XSKError("\(file): \(path(context.codingPath))", reason(context), remedy: "correct it")
    @unknown default:
      XSKError(file, "can't be read: \(error)", remedy: "correct it")
    }
  }

  private static func reason(_ context: DecodingError.Context) -> String {
    let reason = context.underlyingError.map { "\($0)" } ?? context.debugDescription
    return ProblemList.shorten(reason)
  }

  /// As in `tenants[3].quota.frames`.
  private static func path(_ keys: [any CodingKey]) -> String {
    let path = keys.reduce("") { text, key in
      if let index = key.intValue { return "\(text)[\(index)]" }
      return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
    }
    return path.isEmpty ? "the whole" : ProblemList.shorten(path)
  }

  private static func name(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Int.Type, is UInt32.Type, is UInt64.Type: "whole number in range"
    // An object, as the decoder calls it: a collection, too.
    case is [String: Any].Type: "object"
    case is any Collection.Type where type != String.self: "list"
    default: "object"
    }
  }
}
