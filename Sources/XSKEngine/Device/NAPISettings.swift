import CXsk
import Glibc
import Synchronization

/// A device's settings for busy polling (Documentation/networking/napi.rst): with both above zero the device's interrupts
/// stay off while somebody polls.
public struct NAPISettings: Hashable, Sendable {
  /// `napi_defer_hard_irqs`: how many empty polls the kernel waits before it enables interrupts again. 0: at once.
  public var deferHardIRQs: Int
  /// `gro_flush_timeout` in nanoseconds: how long interrupts stay off at most between two polls. 0: not at all.
  public var groFlushTimeout: Int

  public init(deferHardIRQs: Int, groFlushTimeout: Int) {
    self.deferHardIRQs = deferHardIRQs
    self.groFlushTimeout = groFlushTimeout
  }

  /// What the kernel's documentation recommends for AF_XDP busy polling.
  public static let busyPolling = NAPISettings(deferHardIRQs: 2, groFlushTimeout: 200_000)

  /// Reads a device's settings, in the calling thread's network namespace.
  ///
  /// - Throws: if the device is gone, or its sysfs can't be reached.
  public static func read(_ device: NetworkDevice) throws(XSKError) -> NAPISettings {
    try NAPISettingsFiles(device, writable: false).read()
  }

  /// Sets a device's settings; the answer puts the old ones back. Needs CAP_NET_ADMIN, and CAP_SYS_ADMIN in a namespace
  /// other than that of /sys.
  ///
  /// A refusal is a value: the engine goes on without, and busy polling is then less effective. What was set before the
  /// refusal has been put back.
  public static func apply(_ settings: NAPISettings, to device: NetworkDevice) -> Result<AppliedNAPISettings, XSKError>
  {
    do {
      let files = try NAPISettingsFiles(device, writable: true)
      let previous = try files.read()
      if let error = files.write(settings) {
        _ = files.write(previous)
        return .failure(error)
      }
      return .success(AppliedNAPISettings(files, previous: previous))
    } catch {
      return .failure(error)
    }
  }
}

/// Settings that were changed, and what they were. Puts them back when told to, or when let go of; after a `kill -9`
/// they stay.
///
/// One for each device: with two, the second would take the first one's settings for the original ones.
public final class AppliedNAPISettings: Sendable {
  /// What `restore` puts back.
  public let previous: NAPISettings
  private let files: NAPISettingsFiles
  private let isRestored = Atomic(false)

  fileprivate init(_ files: NAPISettingsFiles, previous: NAPISettings) {
    self.files = files
    self.previous = previous
  }

  deinit { restore() }

  /// Puts the previous settings back, once; works from any thread and namespace. Answers the kernel's refusal, for one
  /// because the device is gone.
  @discardableResult public func restore() -> XSKError? {
    guard isRestored.exchange(true, ordering: .relaxed) == false else { return nil }
    return files.write(previous)
  }
}

/// The two open files, which stay those of one device whatever happens to its name and to the thread's namespace.
private final class NAPISettingsFiles: Sendable {
  let device: String
  let deferHardIRQs: CInt
  let groFlushTimeout: CInt

  init(_ device: NetworkDevice, writable: Bool) throws(XSKError) {
    self.device = device.name
    let directory = try OwnSysfs.openDirectory(of: device)
    defer { close(directory) }
    let flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC
    deferHardIRQs = unsafe openat(directory, "napi_defer_hard_irqs", flags)
    let firstError = errno
    groFlushTimeout = unsafe openat(directory, "gro_flush_timeout", flags)
    guard deferHardIRQs >= 0, groFlushTimeout >= 0 else {
      // What was opened is closed by deinit: all properties are set.
      throw Self.refusal(device.name, "cannot be opened", deferHardIRQs < 0 ? firstError : errno)
    }
  }

  deinit {
    if deferHardIRQs >= 0 { close(deferHardIRQs) }
    if groFlushTimeout >= 0 { close(groFlushTimeout) }
  }

  func read() throws(XSKError) -> NAPISettings {
    guard let hardIRQs = SmallFile.read(deferHardIRQs).flatMap({ Int($0) }),
      let timeout = SmallFile.read(groFlushTimeout).flatMap({ Int($0) })
    else { throw Self.refusal(device, "cannot be read", errno) }
    return NAPISettings(deferHardIRQs: hardIRQs, groFlushTimeout: timeout)
  }

  func write(_ settings: NAPISettings) -> XSKError? {
    var code = SmallFile.write(String(settings.deferHardIRQs), to: deferHardIRQs)
    if code == 0 { code = SmallFile.write(String(settings.groFlushTimeout), to: groFlushTimeout) }
    guard code != 0 else { return nil }
    return Self.refusal(
      device, "cannot be set to \(settings.deferHardIRQs) and \(settings.groFlushTimeout) ns", code)
  }

  private static func refusal(_ device: String, _ what: String, _ code: CInt) -> XSKError {
    let remedy =
      switch code {
      case EPERM, EACCES, EROFS: "run as root with a writable /sys; busy polling works without, at more interrupts"
      default: "see: ls /sys/class/net/\(device)"
      }
    return XSKError("\(device) NAPI settings", refused: what, code: code, remedy: remedy)
  }
}
