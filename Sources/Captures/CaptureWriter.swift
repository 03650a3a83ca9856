import CCaptures
public import XSKEngine

/// Writes a capture: pcap with nanosecond time stamps.
@safe public struct CaptureWriter: ~Copyable {
  // Safe: open from init to deinit.
  private let handle: OpaquePointer
  /// The file's name in messages.
  public let name: String

  /// Begins a capture.
  ///
  /// - Throws: when the file's header can't be written.
  public init(_ file: consuming OutputFile, link: CaptureLink) throws(XSKError) {
    let name = file.name
    var message = [CChar](repeating: 0, count: CCAPTURES_MESSAGE)
    let descriptor = try file.take()
    // Safe: the buffer is as long as libpcap's messages; the file is libpcap's from here on.
    guard let handle = unsafe ccaptures_create(descriptor, link.type, &message) else {
      throw XSKError(
        name, "can't be written (\(CaptureReader.text(message)))", remedy: "name a file that has room")
    }
    self.name = name
    unsafe self.handle = handle
  }

  deinit {
    // Safe: open until here.
    unsafe ccaptures_finish(handle)
  }

  /// Adds a packet, of at most `CaptureRecord.maximumBytes`.
  ///
  /// - Throws: when the file can't take it.
  public mutating func write(_ bytes: RawSpan, _ record: CaptureRecord) throws(XSKError) {
    let count = UInt32(truncatingIfNeeded: bytes.byteCount)
    var header = ccaptures_record(
      seconds: record.seconds, nanoseconds: record.nanoseconds, length: max(record.length, count), captured: count)
    // Safe: the span is valid for the call, and has as many bytes as the header says.
    let code = unsafe bytes.withUnsafeBytes { buffer in
      unsafe ccaptures_write(handle, &header, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard code == 0 else { throw Self.refusal(name, code) }
  }

  /// Hands everything to the system: only after this is it certain that all could be written.
  public mutating func flush() throws(XSKError) {
    // Safe: the handle is open.
    let code = unsafe ccaptures_flush(handle)
    guard code == 0 else { throw Self.refusal(name, code) }
  }

  static func refusal(_ name: String, _ code: CInt) -> XSKError {
    XSKError(name, refused: "can't be written", code: code, remedy: "name a file that has room")
  }
}
