/// The versions of the CNI specification that are spoken, oldest first.
public enum CNIVersion: String, CaseIterable, Comparable, Sendable {
  case v031 = "0.3.1"
  case v040 = "0.4.0"
  case v100 = "1.0.0"
  case v110 = "1.1.0"

  static let newest = CNIVersion.v110

  public static func < (one: CNIVersion, other: CNIVersion) -> Bool {
    allCases.firstIndex(of: one)! < allCases.firstIndex(of: other)!
  }

  /// The version that a configuration is written in.
  init(named text: String) throws(CNIError) {
    guard let version = CNIVersion(rawValue: text) else {
      let ours = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw CNIError(
        .incompatibleVersion, "cniVersion \(text): not one that this plugin speaks; write one of \(ours)",
        details: "the configuration is of version \(text), the plugin supports \(ours)")
    }
    self = version
  }
}
