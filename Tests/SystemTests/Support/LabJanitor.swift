import Glibc
import XSKEngine

/// Clears up behind a lab whose process is killed: what was started in sessions of its own, and outlives its starters on purpose,
/// would run on for ever.
///
/// A process waits at the other end of a pipe. It does nothing while the lab ends in order (`dismiss`), so whatever a lab leaves
/// then is still there to be found. If the pipe just ends, the lab's process is dead: everything goes whose command line has the
/// lab's directory, with its children, and the directory.
final class LabJanitor: Sendable {
  private let pipe: CInt
  let pid: pid_t

  private static let script = """
    read -r word && exit 0
    for process in /proc/[0-9]*; do
      number=${process#/proc/}
      [ "$number" = $$ ] && continue
      tr '\\0' ' ' 2>/dev/null < "$process/cmdline" | grep -qF -- "$LAB" || continue
      children=$(ps -o pid= --ppid "$number")
      kill -KILL "$number" $children 2>/dev/null
    done
    umount -l "$LAB/bpf" 2>/dev/null
    rm -rf --one-file-system "$LAB"
    """

  /// - Parameter directory: the lab's, by a path that is in no other command line.
  init(_ directory: String) throws(XSKError) {
    var ends: [CInt] = [-1, -1]
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    // socketpair(2) writes two descriptors.
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.refusal(errno) }
    defer { close(ends[0]) }
    do throws(XSKError) { pid = try Self.spawn(directory, input: ends[0]) } catch {
      close(ends[1])
      throw error
    }
    pipe = ends[1]
  }

  private static func spawn(_ directory: String, input: CInt) throws(XSKError) -> pid_t {
    // C structures, initialised below and let go of at the end.
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    // A group of its own: a terminal's Ctrl-C, which ends the tests, is not for it.
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    let (texts, settings) = (["sh", "-c", script], ["LAB=\(directory)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
    // Copies in C memory, valid until freed below; the child has its own by then.
    let words: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
    let variables: [UnsafeMutablePointer<CChar>?] = unsafe settings.map { unsafe strdup($0) } + [nil]
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    let code = unsafe posix_spawn(&pid, "/bin/sh", &actions, &attributes, words, variables)
    guard code == 0 else { throw refusal(code) }
    return pid
  }

  private static func refusal(_ code: CInt) -> XSKError {
    XSKError("janitor", refused: "can't be started", code: code, remedy: "see that there is /bin/sh")
  }

  /// The lab has ended in order.
  func dismiss() {
    _ = unsafe write(pipe, "\n", 1)
    end()
  }

  /// As if the lab's process had been killed.
  func abandon() { end() }

  private func end() {
    close(pipe)
    waitpid(pid, nil, 0)
  }
}
