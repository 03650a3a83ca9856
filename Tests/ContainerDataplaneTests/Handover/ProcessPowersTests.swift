import Foundation
import Testing

@testable import ContainerDataplane

/// Who gets a socket of the host's network namespace.
@Suite struct ProcessPowersTests {
  private static func status(
    _ permitted: String = "0", inheritable: String = "0", bounding: String = "0", ambient: String = "0",
    gainsNone: Bool = false
  ) -> String {
    """
    Name:\tnc: x
    CapInh:\t\(inheritable)
    CapPrm:\t\(permitted)
    CapEff:\t\(permitted)
    CapBnd:\t\(bounding)
    CapAmb:\t\(ambient)
    NoNewPrivs:\t\(gainsNone ? 1 : 0)
    """
  }

  @Test(arguments: [
    (status(), false), (status("1000"), true), (status("00000000a80425fb"), false), (status("000001ffffffffff"), true),
    (status(inheritable: "1000"), true), (status(ambient: "1000"), true), (status(bounding: "1000"), true),
    // Whatever it starts has no more than it has itself.
    (status(bounding: "1000", gainsNone: true), false), (status("1000", gainsNone: true), true),
    (status(bounding: "ef"), false),
  ])
  func `it is CAP_NET_ADMIN, held or within reach, that matters`(status: String, canAdministrate: Bool) {
    #expect(ProcessPowers(status)?.canAdministrate == canAdministrate, "\(status)")
  }

  @Test(arguments: ["", "CapPrm:\t0\n", "CapInh:\t0\nCapPrm:\tx\nCapEff:\t0\nCapBnd:\t0"])
  func `what can't be read is not taken for harmless`(status: String) { #expect(ProcessPowers(status) == nil) }

  @Test func `one mighty thread makes a process mighty`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "xsk-threads-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    func add(_ thread: Int, _ status: String?) throws {
      let folder = directory.appending(path: "\(thread)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      if let status { try Data(status.utf8).write(to: folder.appending(path: "status")) }
    }
    func judge() -> Bool? { HandoverPeer.canAdministrate(threads: directory.path) }
    #expect(judge() == nil, "there is none")
    try add(1, Self.status())
    // One that has just ended.
    try add(2, nil)
    #expect(judge() == false)
    try add(3, Self.status("1000"))
    #expect(judge() == true)
    try add(3, "")
    #expect(judge() == nil)
  }
}
