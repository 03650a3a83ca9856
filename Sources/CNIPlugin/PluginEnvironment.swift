import TenantAPI

/// What a runtime says by environment variables (CNI specification, section 2, "Parameters").
struct PluginEnvironment {
  enum Command: String, CaseIterable {
    case add = "ADD"
    case delete = "DEL"
    case check = "CHECK"
    case status = "STATUS"
    case collect = "GC"
    case version = "VERSION"

    /// Without these it can't be carried out.
    var needs: [String] {
      switch self {
      case .add, .check: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]
      case .delete: ["CNI_CONTAINERID", "CNI_IFNAME"]
      case .collect: ["CNI_PATH"]
      case .status, .version: []
      }
    }
  }

  let command: Command
  let containerID: String
  let interface: String
  /// Empty where DEL is asked for after the namespace is gone.
  let namespace: String
  /// Where other plugins are.
  let path: [String]
  /// `CNI_ARGS`, by key.
  let arguments: [String: String]
  /// All of it, for plugins that this one calls.
  let variables: [String: String]

  init(_ variables: [String: String]) throws(CNIError) {
    let name = variables["CNI_COMMAND"] ?? ""
    guard let command = Command(rawValue: name) else {
      let known = Command.allCases.map(\.rawValue).joined(separator: ", ")
      throw CNIError(
        .invalidEnvironment,
        name.isEmpty
          ? "CNI_COMMAND: not set; this is a CNI plugin, and container runtimes call it"
          : "CNI_COMMAND \(name): unknown; use one of \(known)")
    }
    let missing = command.needs.filter { (variables[$0] ?? "").isEmpty }
    guard missing.isEmpty else {
      throw CNIError(
        .invalidEnvironment, "\(missing.joined(separator: ", ")): not set; \(name) can't be done without")
    }
    self.variables = variables
    self.command = command
    containerID = variables["CNI_CONTAINERID"] ?? ""
    interface = variables["CNI_IFNAME"] ?? ""
    namespace = variables["CNI_NETNS"] ?? ""
    path = (variables["CNI_PATH"] ?? "").split(separator: ":").map(String.init)
    arguments = try Self.arguments(variables["CNI_ARGS"] ?? "")
    if command.needs.contains("CNI_IFNAME") { try checkNames() }
  }

  /// What the container's interface is called at xskd's.
  var attachment: String { AttachmentName.of(container: containerID, interface: interface) }

  private func checkNames() throws(CNIError) {
    guard AttachmentName.isWellFormed(containerID) else {
      throw CNIError(
        .invalidEnvironment,
        "CNI_CONTAINERID \(containerID): not an id; use letters, digits, '_', '.', '-', a letter or digit first")
    }
    guard AttachmentName.isInterface(interface) else {
      throw CNIError(
        .invalidEnvironment,
        "CNI_IFNAME \(interface): not an interface's name; use at most 15 letters, digits, '_', '.', '-'")
    }
    guard attachment.utf8.count <= AttachmentName.longest else {
      throw CNIError(
        .invalidEnvironment,
        "CNI_CONTAINERID \(containerID): too long; with the interface's name at most \(AttachmentName.longest) characters"
      )
    }
  }

  /// `KEY=VALUE;KEY=VALUE`
  private static func arguments(_ text: String) throws(CNIError) -> [String: String] {
    var found: [String: String] = [:]
    for pair in text.split(separator: ";") {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[0].isEmpty else {
        throw CNIError(.invalidEnvironment, "CNI_ARGS \(text): \(pair) is no KEY=VALUE; separate pairs with ';'")
      }
      found[String(halves[0])] = String(halves[1])
    }
    return found
  }
}
