import Glibc
public import XSKEngine

/// Text to a file, in blocks: for reports of a line a packet or so.
public struct TextOutput: ~Copyable {
  private let file: CInt
  private var buffer: [UInt8] = []
  /// The file's name in messages.
  public let name: String

  private static var blockSize: Int { 1 << 16 }

  /// - Throws: a file that can't be emptied.
  public init(_ file: consuming OutputFile) throws(XSKError) {
    let name = file.name
    let descriptor = try file.take()
    self.name = name
    self.file = descriptor
    buffer.reserveCapacity(2 * Self.blockSize)
  }

  deinit { close(file) }

  /// - Throws: when the file can't take it.
  public mutating func write(_ text: String) throws(XSKError) {
    buffer += text.utf8
    if buffer.count >= Self.blockSize { try flush() }
  }

  /// Hands everything to the system: only after this is it certain that all could be written.
  public mutating func flush() throws(XSKError) {
    var rest = buffer[...]
    while !rest.isEmpty {
      // Safe: the buffer is valid for the length given.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw CaptureWriter.refusal(name, count < 0 ? errno : EIO) }
      rest = rest.dropFirst(count)
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
