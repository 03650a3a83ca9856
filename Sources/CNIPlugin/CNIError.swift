/// What a plugin says when it fails (CNI specification, section 5, "Error").
public struct CNIError: Error, Hashable, Sendable {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let incompatibleVersion = Code(rawValue: 1)
    public static let unsupportedField = Code(rawValue: 2)
    public static let unknownContainer = Code(rawValue: 3)
    public static let invalidEnvironment = Code(rawValue: 4)
    public static let io = Code(rawValue: 5)
    public static let decoding = Code(rawValue: 6)
    public static let invalidConfiguration = Code(rawValue: 7)
    public static let tryAgain = Code(rawValue: 11)
    public static let notAvailable = Code(rawValue: 50)
    public static let notAvailableAndDegraded = Code(rawValue: 51)
    // From 100 on they are the plugin's own.
    /// The attachment is there already, and a different one.
    public static let conflict = Code(rawValue: 100)
    /// xskd could not do it.
    public static let daemon = Code(rawValue: 101)
    /// An IPAM plugin failed and did not say why.
    public static let delegate = Code(rawValue: 102)
    /// CHECK: the container's network is not as it was made.
    public static let changed = Code(rawValue: 103)
  }

  public var code: Code
  /// One sentence.
  public var message: String
  /// What more there is to know; may be empty.
  public var details: String

  public init(_ code: Code, _ message: String, details: String = "") {
    self.code = code
    self.message = message
    self.details = details
  }

  /// As it goes to standard output.
  func json(version: String) -> JSONValue {
    var object: [String: JSONValue] = [
      "cniVersion": .string(version), "code": .integer(Int64(code.rawValue)), "msg": .string(message),
    ]
    if !details.isEmpty { object["details"] = .string(details) }
    return .object(object)
  }
}
