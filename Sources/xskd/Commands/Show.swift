import ArgumentParser
import ContainerDataplane
import FoundationEssentials
import Glibc
import ProgramSupport
import TenantAPI
import XSKEngine

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask the running daemon: status, tenants, policy, counters.",
    discussion: """
      status: slots, attachments, the dataplane, messages. tenants: who is attached, with what addresses, and where the sockets \
      are. policy: the policies that are in force. counters: packets by tenant, direction and reason.
      """)

  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case status, tenants, policy, counters

    var path: String {
      switch self {
      case .status: "/v1/status"
      case .tenants: "/v1/tenants"
      case .policy: "/v1/policies"
      case .counters: "/v1/counters"
      }
    }
  }

  @Argument(help: "status, tenants, policy, or counters.") var subject: Subject
  @OptionGroup var places: PlaceOptions
  @Flag(help: "Print the answer as one JSON object.") var json = false

  func run() throws {
    let client = DaemonClient(path: places.places.socket, patience: 10)
    let body: [UInt8]
    do throws(DaemonError) { body = try client.ask("GET", subject.path) } catch { throw Self.error(error, client.path) }
    guard !json else {
      try Console.printObject(String(decoding: body, as: UTF8.self).trimmingSuffix("\n"))
      return
    }
    switch subject {
    case .status: Console.print(try Self.decode(NodeReport.self, body, client.path).text)
    case .tenants: Console.print(try Self.decode(TenantsView.self, body, client.path).text)
    case .policy: Console.print(try Self.decode(PoliciesView.self, body, client.path).text)
    case .counters: Console.print(try Self.decode(CountersView.self, body, client.path).text)
    }
  }

  private static func decode<View: Decodable>(_ type: View.Type, _ body: [UInt8], _ path: String) throws(XSKError)
    -> View
  {
    try StrictJSON.decode(type, body, file: path)
  }

  static func error(_ error: DaemonError, _ path: String) -> XSKError {
    switch error {
    case .absent(EACCES), .absent(EPERM): XSKError(path, "not permitted", remedy: "run this as root", code: EACCES)
    case .absent(let code):
      XSKError(path, "no xskd listens there", remedy: "start it, or name another with --run-directory", code: code)
    case .lost(let reason): XSKError(path, reason, remedy: "see what xskd says: journalctl -u xskd")
    case .foreign: XSKError(path, "what listens there does not speak as xskd does", remedy: "name xskd's directory")
    case .refused(let status, let reason):
      XSKError(path, "refused (\(status)): \(reason)", remedy: "see: xskd show status")
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
