import Glibc
import XSKEngine

/// SIGINT and SIGTERM as something to look for between two steps, so that what was set up is taken down, and what was measured so
/// far is told. Programs of the lab don't inherit this.
public final class StopSignals {
  private var set = sigset_t()

  /// Blocks the signals in the calling thread; threads that it starts inherit that.
  public init() {
    unsafe sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Sleeps; true at once if a signal comes, or came before.
  public func arrives(within seconds: Double) -> Bool {
    let end = TimestampClock.monotonicNanoseconds + UInt64(max(0, seconds) * 1e9)
    while true {
      let now = TimestampClock.monotonicNanoseconds
      let left = end > now ? end - now : 0
      var timeout = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
      // Both are read during the call only.
      if unsafe sigtimedwait(&set, nil, &timeout) > 0 { return true }
      guard errno == EINTR, left > 0 else { return false }
    }
  }
}

extension StopSignals {
  /// Sleeps.
  ///
  /// - Throws: `Interrupted` if a signal comes, or came before.
  public func pause(_ seconds: Double) throws(Interrupted) {
    if arrives(within: seconds) { throw Interrupted() }
  }
}

/// Somebody asked the program to stop.
public struct Interrupted: Error {
  public init() {}
}
