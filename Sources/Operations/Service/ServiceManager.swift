import CXsk
import Glibc
import XSKEngine

/// The service manager that started this program, if it wants to be told how it is (sd_notify(3), `Type=notify`).
public struct ServiceManager: Sendable {
  private let socket: String
  /// Seconds between two signs of life that it waits for; nil: it waits for none.
  public let watchdog: Double?

  /// nil where nobody asked: `NOTIFY_SOCKET` isn't set.
  public init?() {
    self.init(
      socket: Self.variable("NOTIFY_SOCKET"), watchdogMicroseconds: Self.variable("WATCHDOG_USEC"),
      watchdogPID: Self.variable("WATCHDOG_PID"))
  }

  init?(socket: String?, watchdogMicroseconds: String? = nil, watchdogPID: String? = nil, pid: Int32 = getpid()) {
    // Other kinds of address (vsock:) are for virtual machines.
    guard let socket, socket.hasPrefix("/") || socket.hasPrefix("@") else { return nil }
    self.socket = socket
    let isForUs = watchdogPID.map { Int32($0) == pid } ?? true
    watchdog = watchdogMicroseconds.flatMap { UInt64($0) }.flatMap { isForUs && $0 > 0 ? Double($0) / 1e6 : nil }
  }

  /// Programs that this one starts are not to speak for it.
  public static func forget() {
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsafe unsetenv(name) }
  }

  /// Packets are being taken.
  public func ready(_ status: String) { tell("READY=1\nMAINPID=\(getpid())\nSTATUS=\(oneLine(status))") }
  public func stopping() { tell("STOPPING=1\nSTATUS=draining") }
  public func alive() { tell("WATCHDOG=1") }

  /// Nobody there is nothing to us: the packets flow.
  private func tell(_ text: String) { _ = unsafe cxsk_notify(socket, socket.utf8.count, text, text.utf8.count) }

  private func oneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

  private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
}
