import ProgramSupport
import XSKEngine

/// What the far end of a veth leaves to hardware that is not there: nobody behind the engine can finish it, as an unfinished
/// checksum can't be told from a wrong one.
enum PeerNotes {
  /// Says so on standard error, a line a port that has such a peer.
  ///
  /// - Parameter effect: what becomes of such packets: `which …`.
  static func tell(_ ports: [String], _ effect: String) {
    for finding in ports.flatMap({ Doctor.peerOffloads(of: $0) }) where finding.status != .ok {
      let remedy = finding.remedy.map { "; \($0)" } ?? ""
      Console.error("xskfwd: \(finding.detail), \(effect)\(remedy)")
    }
  }
}
