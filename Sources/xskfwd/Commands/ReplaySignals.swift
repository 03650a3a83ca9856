import Glibc
import Replay
import XSKEngine

/// SIGINT, SIGTERM and SIGHUP end a replay with what was done; a second one ends the program as ever.
enum ReplaySignals {
  /// Takes the signals from here on. Called from the thread that replays.
  static func follow(_ interruption: ReplayInterruption) throws(XSKError) {
    let signals = [SIGINT, SIGTERM, SIGHUP]
    block(signals, SIG_BLOCK)
    // A handler that does nothing: it is not restarted, so a system call that waits comes back.
    var action = sigaction()
    // Safe: the union's member for a handler of one argument.
    unsafe action.__sigaction_handler.sa_handler = { _ in }
    unsafe sigaction(SIGUSR1, &action, nil)
    block([SIGUSR1], SIG_UNBLOCK)  // Whoever started the program may have had it blocked.
    let reader = pthread_self()
    try SystemThread.start("replay-signals") {
      _ = wait(for: signals, nil)
      interruption.request()
      // The read may be just about to begin: again and again. Nothing else is interrupted, a write for one.
      while true {
        // Safe: the reading thread is the main thread, which lives as long as the program.
        if interruption.isReading { pthread_kill(reader, SIGUSR1) }
        let again = wait(for: signals, timespec(tv_sec: 0, tv_nsec: 20_000_000))
        guard again > 0 else { continue }
        signal(again, SIG_DFL)
        block([again], SIG_UNBLOCK)
        raise(again)
      }
    }
  }

  private static func set(_ signals: [CInt]) -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in signals { unsafe sigaddset(&set, number) }
    return set
  }

  private static func block(_ signals: [CInt], _ how: CInt) {
    var set = set(signals)
    unsafe pthread_sigmask(how, &set, nil)
  }

  /// The signal that came, or a number below 1: none within the time.
  private static func wait(for signals: [CInt], _ limit: timespec?) -> CInt {
    var set = set(signals)
    guard var limit else { return unsafe sigwaitinfo(&set, nil) }
    return unsafe sigtimedwait(&set, nil, &limit)
  }
}
