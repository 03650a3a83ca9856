import Glibc

/// SIGINT, SIGTERM and SIGHUP as something to wait for: they are blocked in every thread, and taken where the program waits.
public struct StopSignal {
  public enum Arrival { case stop, reload }

  /// Whether SIGHUP asks for something else than to stop.
  private let reloads: Bool

  private var set = sigset_t()
  /// Of them those that end the program, whatever else there is.
  private var ends = sigset_t()
  /// The thread that made it, and waits.
  private let thread = pthread_self()

  /// Blocks the signals in the calling thread; threads that it starts inherit that.
  ///
  /// - Parameter reloads: SIGHUP is a wish to reload; else it ends the program.
  public init(reloads: Bool = false) {
    self.reloads = reloads
    unsafe sigemptyset(&set)
    unsafe sigemptyset(&ends)
    for number in [SIGINT, SIGTERM] { unsafe sigaddset(&ends, number) }
    for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Sleeps until a time (CLOCK_MONOTONIC seconds); true if a signal came first.
  public mutating func arrives(before time: Double) -> Bool { next(before: time) != nil }

  /// Sleeps until a time (CLOCK_MONOTONIC seconds), or a signal. A wish to stop goes before one to reload: the kernel gives
  /// signals in the order of their numbers, so a storm of SIGHUPs would keep the others waiting.
  public mutating func next(before time: Double) -> Arrival? {
    while true {
      let left = time - Self.now
      guard left > 0 else { return nil }
      var timeout = timespec(tv_sec: Int(left), tv_nsec: Int((left - left.rounded(.down)) * 1e9))
      let signal = unsafe sigtimedwait(&set, nil, &timeout)
      if signal > 0 { return signal == SIGHUP && reloads && !isEndWanted() ? .reload : .stop }
      guard errno == EINTR || errno == EAGAIN else { return .stop }
    }
  }

  /// Takes a signal that ends the program, if there is one.
  private mutating func isEndWanted() -> Bool {
    var none = timespec()
    return unsafe sigtimedwait(&ends, nil, &none) > 0
  }

  /// Does from any thread what SIGTERM from outside does.
  public var request: @Sendable () -> Void {
    // Safe while the waiting thread lives: it is the main thread.
    { [thread] in _ = pthread_kill(thread, SIGTERM) }
  }

  /// Does from any thread what SIGHUP from outside does.
  public var requestReload: @Sendable () -> Void {
    // Safe as above.
    { [thread] in _ = pthread_kill(thread, SIGHUP) }
  }

  /// CLOCK_MONOTONIC in seconds.
  public static var now: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
