import Glibc

/// Another plugin, run to its end with bytes for its standard input.
struct ChildProgram {
  enum Failure: Error {
    case notStarted(code: CInt)
    /// It was killed: it neither answered nor ended.
    case endless
  }

  struct Outcome {
    var output: [UInt8]
    /// Its exit status; 128 + the signal that ended it.
    var status: Int32
  }

  let path: String
  let environment: [String: String]

  /// Seconds that it may take.
  private static let patience = 60.0
  /// Bytes of its output at most.
  private static let longestOutput = 4 << 20

  /// Its standard error is ours.
  func run(input: [UInt8]) throws(Failure) -> Outcome {
    let toChild = try Self.pipe()
    let fromChild: (read: CInt, write: CInt)
    do throws(Failure) { fromChild = try Self.pipe() } catch {
      close(toChild.read)
      close(toChild.write)
      throw error
    }
    let started = spawn(input: toChild.read, output: fromChild.write)
    close(toChild.read)
    close(fromChild.write)
    defer { close(fromChild.read) }
    guard case .success(let pid) = started else {
      close(toChild.write)
      throw .notStarted(code: started.failureCode)
    }
    let output = Self.exchange(input, to: toChild.write, from: fromChild.read)
    if output == nil { kill(pid, SIGKILL) }
    let status = Self.wait(pid)
    guard let output else { throw .endless }
    return Outcome(output: output, status: status)
  }

  private enum Started {
    case success(pid_t)
    case failure(CInt)

    var failureCode: CInt { if case .failure(let code) = self { code } else { 0 } }
  }

  private func spawn(input: CInt, output: CInt) -> Started {
    var actions = unsafe posix_spawn_file_actions_t()
    // Safe: made here, used by this call alone, destroyed at its end; duplicates lose the close-on-exec mark.
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // Copies in C memory, valid until freed below; the child has its own by then.
    let arguments = unsafe [unsafe strdup(path), nil]
    let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    var code = unsafe posix_spawn(&pid, path, &actions, nil, arguments, variables)
    // Whoever has just put the file there may hold it open for a moment longer.
    for _ in 0..<50 where code == ETXTBSY {
      usleep(10_000)
      code = unsafe posix_spawn(&pid, path, &actions, nil, arguments, variables)
    }
    return code == 0 ? .success(pid) : .failure(code)
  }

  /// Both ways at once: neither side waits for the other with a full pipe. nil: no end of it within the time.
  private static func exchange(_ input: [UInt8], to target: CInt, from source: CInt) -> [UInt8]? {
    var (rest, output) = (input[...], [UInt8]())
    var block = [UInt8](repeating: 0, count: 65_536)
    var isOpen = true
    func closeTarget() {
      if isOpen { close(target) }
      isOpen = false
    }
    defer { closeTarget() }
    let end = now + patience
    _ = fcntl(target, F_SETFL, O_NONBLOCK)
    while output.count < longestOutput {
      if rest.isEmpty { closeTarget() }
      var entries = [pollfd(fd: source, events: Int16(POLLIN), revents: 0)]
      if isOpen { entries.append(pollfd(fd: target, events: Int16(POLLOUT), revents: 0)) }
      let left = end - now
      // Safe: the array has as many entries as it says.
      guard left > 0,
        unsafe poll(&entries, nfds_t(entries.count), CInt(min(left * 1000, 1000)) + 1) >= 0 || errno == EINTR
      else { return nil }
      if isOpen, entries[1].revents != 0 {
        // Safe: the buffer is valid for the length given.
        let count = unsafe rest.withUnsafeBytes { unsafe write(target, $0.baseAddress, $0.count) }
        // Whoever doesn't read its input may answer all the same.
        if count < 0 && errno != EAGAIN && errno != EINTR { rest = [] }
        rest = rest.dropFirst(max(0, count))
      }
      guard entries[0].revents != 0 else { continue }
      // Safe: at most the block's size is written into the block.
      let count = unsafe read(source, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return output }
      output += block[..<count]
    }
    return nil
  }

  private static func wait(_ pid: pid_t) -> Int32 {
    var word: CInt = 0
    while unsafe waitpid(pid, &word, 0) < 0 { guard errno == EINTR else { return 127 } }
    return word & 0x7f == 0 ? word >> 8 & 0xff : 128 + word & 0x7f
  }

  private static func pipe() throws(Failure) -> (read: CInt, write: CInt) {
    var ends: [CInt] = [-1, -1]
    // Safe: two descriptors are written into two places.
    guard unsafe Glibc.pipe(&ends) == 0 else { throw .notStarted(code: errno) }
    // No other thread starts programs meanwhile: the plugin has but one.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// CLOCK_MONOTONIC in seconds.
  private static var now: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
