/// The kernel as programs of a lab find it.
enum LabKernel: CaseIterable, Sendable {
  /// The one that is there.
  case own
  /// One from before Linux 6.4: no rings of a bound socket can be mapped. Programs are shown so by a library that is preloaded.
  case old
  /// And one from before July 2023: what a socket is confined to is not looked at when it is bound.
  case older

  /// A command that runs what follows it.
  var entrance: [String] { entrance(BuiltPrograms.oldKernel) }

  /// - Parameter library: a copy of the library for users who can't get to the built one.
  func entrance(_ library: String) -> [String] {
    switch self {
    case .own: []
    case .old: ["env", "LD_PRELOAD=\(library)"]
    case .older: ["env", "LD_PRELOAD=\(library)", "XSK_TEST_UNCONFINED=1"]
    }
  }
}
