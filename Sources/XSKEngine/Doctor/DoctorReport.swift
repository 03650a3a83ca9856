/// The doctor's findings with their outcome: as JSON (Codable), and as text for a terminal.
public struct DoctorReport: Codable, Hashable, Sendable {
  /// The device that was examined, if any.
  public let device: String?
  public let findings: [Finding]
  /// 0: as good as it gets; 1: works, not at its best; 2: won't work.
  public let exitStatus: Int32

  private enum CodingKeys: String, CodingKey {
    case device, findings
    case exitStatus = "exit_status"
  }

  public init(device: String? = nil, findings: [Finding]) {
    self.device = device
    self.findings = findings
    exitStatus =
      switch findings.map(\.status).max() {
      case .failed: 2
      case .limited: 1
      case .ok, nil: 0
      }
  }

  /// A table with one line for each finding, and its remedy on the next; then one line of summary. Ends with a line end.
  ///
  /// - Parameter colour: marks in green, yellow and red (ANSI escape sequences).
  public func text(colour: Bool = false) -> String {
    let width = findings.map(\.check.count).max() ?? 0
    let indent = String(repeating: " ", count: Self.markWidth + 2 + width + 2)
    var lines = [String]()
    for finding in findings {
      let mark = Self.mark(finding.status, colour: colour)
      lines.append("\(mark)  \(Self.pad(finding.check, to: width))  \(Self.detail(finding))")
      if let remedy = finding.remedy { lines.append("\(indent)→ \(remedy)") }
    }
    lines.append(summary)
    return lines.joined(separator: "\n") + "\n"
  }

  /// The outcome in one line.
  public var summary: String {
    let count = { (status: Finding.Status) in findings.count { $0.status == status } }
    let name = device ?? "AF_XDP"
    return switch exitStatus {
    case 0: "\(name): works"
    case 1: "\(name): works, not at its best (\(count(.limited)) limited)"
    default: "\(name): won't work (\(count(.failed)) failed, \(count(.limited)) limited)"
    }
  }

  private static let markWidth = 7  // "limited"

  private static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Padding goes outside the escape sequences, which take no room on the screen.
  private static func mark(_ status: Finding.Status, colour: Bool) -> String {
    let padded = pad(status.rawValue, to: markWidth)
    guard colour else { return padded }
    let code =
      switch status {
      case .ok: 32
      case .limited: 33
      case .failed: 31
      }
    return "\u{1B}[\(code)m\(padded)\u{1B}[0m"
  }

  /// A failure about something more particular than the check names it.
  private static func detail(_ finding: Finding) -> String {
    finding.status == .failed ? "\(finding.subject): \(finding.detail)" : finding.detail
  }
}
