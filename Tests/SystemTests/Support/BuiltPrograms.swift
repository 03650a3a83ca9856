import Foundation

/// Programs of this package, built beside the tests.
enum BuiltPrograms {
  static var xskfwd: String { path("xskfwd") }
  static var xskd: String { path("xskd") }
  static var xskCNI: String { path("xsk-cni") }
  static var testEngine: String { path("xsk-test-engine") }
  static var testTenants: String { path("xsk-test-tenants") }
  static var containerEcho: String { path("ContainerEcho") }
  static var oldKernel: String { path("libxsk-test-old-kernel.so") }

  /// The package's folder.
  static var package: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  private static func path(_ name: String) -> String {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var folder = tests.deletingLastPathComponent()
    // In an .xctest bundle the test binary lies deeper.
    while folder.path.count > 1 {
      let candidate = folder.appendingPathComponent(name).path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    return name
  }
}
