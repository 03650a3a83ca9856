import CCaptures
import Glibc
public import XSKEngine

/// Reads a capture, pcap or pcapng, packet by packet.
///
///     var reader = try CaptureReader("in.pcap")
///     while let record = try reader.next() { use(reader.bytes, record) }
///
/// Files are untrusted: libpcap checks their structure, and a packet's bytes are reached through a span.
@safe public struct CaptureReader: ~Copyable {
  // Safe: open from init to deinit.
  private let handle: OpaquePointer
  // Safe: valid until the next packet is read: `next` is mutating, and `bytes` borrows this reader.
  private var packet: UnsafeBufferPointer<UInt8>
  /// The file's name in messages.
  public let name: String
  public let link: CaptureLink
  /// Which file it is.
  public let identity: FileIdentity
  /// Packets read so far.
  public private(set) var count = 0

  /// Opens a capture.
  ///
  /// - Parameter path: a file; `-` for standard input.
  /// - Throws: a file that can't be read, is no capture, or has a link type other than Ethernet and raw IP.
  public init(_ path: String) throws(XSKError) {
    let name = path == "-" ? "standard input" : path
    let file = try Self.open(path, name)
    var message = [CChar](repeating: 0, count: CCAPTURES_MESSAGE)
    let identity = FileIdentity(of: file)
    guard !identity.isDirectory else {
      close(file)
      throw XSKError(name, "is a directory", remedy: "give a capture file")
    }
    // Safe: the buffer is as long as libpcap's messages; the file is libpcap's from here on.
    guard let handle = unsafe ccaptures_open(file, &message) else {
      throw XSKError(
        name, "is not a capture that can be read (\(Self.text(message)))", remedy: "give a pcap or pcapng file")
    }
    // Safe: the handle is open.
    let type = unsafe ccaptures_link_type(handle)
    guard let link = CaptureLink(type) else {
      unsafe ccaptures_close(handle)
      throw XSKError(
        name, "its link type \(CaptureLink.name(of: type)) is not supported",
        remedy: "give a capture of Ethernet or raw IP")
    }
    self.identity = identity
    unsafe self.handle = handle
    unsafe packet = UnsafeBufferPointer(start: nil, count: 0)
    self.name = name
    self.link = link
  }

  deinit {
    // Safe: open until here.
    unsafe ccaptures_close(handle)
  }

  /// Goes on to the next packet.
  ///
  /// - Returns: nil at the capture's end.
  /// - Throws: where the capture is damaged: cut off within a packet, for instance. What came before is good.
  public mutating func next() throws(XSKError) -> CaptureRecord? {
    var record = ccaptures_record()
    var start: UnsafePointer<UInt8>?
    unsafe packet = UnsafeBufferPointer(start: nil, count: 0)
    // Safe: both are written before 1 is returned.
    switch unsafe ccaptures_next(handle, &record, &start) {
    case 0: return nil
    case 1:
      count += 1
      unsafe packet = UnsafeBufferPointer(start: start, count: Int(record.captured))
      return CaptureRecord(
        seconds: record.seconds, nanoseconds: record.nanoseconds, length: max(record.length, record.captured))
    case CInt(CCAPTURES_BAD_TIME):
      throw XSKError(
        name, "damaged at packet \(count + 1) (its time stamp has a fraction of a second or more)",
        remedy: "what comes before is good; capture again for the rest")
    default:
      // Safe: a string inside of the handle, copied here.
      let message = unsafe String(cString: ccaptures_message(handle))
      guard !message.contains("different from the type of the first interface") else {
        throw XSKError(
          name, "has packets of several link types behind packet \(count) (\(message))",
          remedy: "give a capture of one interface, or of several of one type")
      }
      throw XSKError(
        name, "damaged after packet \(count) (\(message))",
        remedy: "what comes before is good; capture again for the rest")
    }
  }

  /// The bytes of the packet that `next` went on to.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: libpcap's buffer holds the packet until the next one is read, which needs this reader exclusively.
      let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(packet))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  private static func open(_ path: String, _ name: String) throws(XSKError) -> CInt {
    // A duplicate, so that closing the reader leaves standard input open.
    let file = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw XSKError(name, refused: "can't be read", code: errno, remedy: "give a capture file that you may read")
    }
    return file
  }

  /// A message of libpcap's, up to its 0.
  static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
