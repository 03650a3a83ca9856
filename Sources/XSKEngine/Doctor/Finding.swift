/// What one check of the doctor found.
public struct Finding: Codable, Hashable, Sendable {
  public enum Status: String, Codable, CaseIterable, Comparable, Sendable {
    case ok
    /// It works, but not at its best.
    case limited
    /// It does not work.
    case failed

    public static func < (one: Status, other: Status) -> Bool { one.severity < other.severity }

    private var severity: Int {
      switch self {
      case .ok: 0
      case .limited: 1
      case .failed: 2
      }
    }
  }

  /// The check's name ("locked memory", "queues"): the same for every machine and device.
  public let check: String
  /// What was checked: "eth0 queue 3", "this process".
  public let subject: String
  public let status: Status
  /// What was found, as part of a sentence without a full stop.
  public let detail: String
  /// What to do: a command to paste where there is one. With `ok` it is a hint.
  public let remedy: String?

  public init(_ check: String, of subject: String, _ status: Status, _ detail: String, remedy: String? = nil) {
    self.check = check
    self.subject = subject
    self.status = status
    self.detail = detail
    self.remedy = remedy
  }

  /// The error that start-up throws for this finding; nil unless it failed.
  public var error: XSKError? {
    guard status == .failed else { return nil }
    return XSKError(subject, detail, remedy: remedy ?? "see: xskfwd doctor")
  }
}
