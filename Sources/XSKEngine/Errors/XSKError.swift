import Glibc

/// What went wrong, in one sentence that names the thing, the value, and what to do about it.
///
/// Its description reads `SUBJECT: PROBLEM; REMEDY`, for example
/// `eth0 queue 3: busy (another socket is bound); stop it or choose another queue`.
public struct XSKError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The thing that the error is about: a device, a queue, a file, an option and its value.
  public let subject: String
  /// What is wrong with it.
  public let problem: String
  /// What the reader can do.
  public let remedy: String
  /// The kernel's error number, where a system call refused; otherwise 0.
  public let code: CInt

  public init(_ subject: String, _ problem: String, remedy: String, code: CInt = 0) {
    self.subject = subject
    self.problem = problem
    self.remedy = remedy
    self.code = code
  }

  /// An error from a system call: its problem is `what` followed by the kernel's own words for `code` (an errno, either
  /// sign).
  public init(_ subject: String, refused what: String, code: CInt, remedy: String) {
    let number = code < 0 ? -code : code
    self.init(subject, "\(what): \(errorName(number))", remedy: remedy, code: number)
  }

  public var description: String { "\(subject): \(problem); \(remedy)" }
}

/// The kernel's words for an error number, as strerror(3) gives them.
public func errorName(_ code: CInt) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
