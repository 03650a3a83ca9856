import Captures
import XSKEngine

/// The capture of a replay, its first packet read ahead: what is wrong with it is known before any file is touched.
struct CaptureSource: ~Copyable {
  private var reader: CaptureReader
  private var first: CaptureRecord?
  /// Packets taken so far.
  private(set) var count = 0

  /// - Throws: a capture that can't be read, or is damaged before its first packet's end.
  init(_ path: String) throws(XSKError) {
    var reader = try CaptureReader(path)
    first = try reader.next()
    self.reader = reader
  }

  var name: String { reader.name }
  var link: CaptureLink { reader.link }
  var identity: FileIdentity { reader.identity }

  /// Goes on to the next packet; nil at the capture's end.
  mutating func next() throws(XSKError) -> CaptureRecord? {
    var record = first.take()
    if record == nil { record = try reader.next() }
    if record != nil { count += 1 }
    return record
  }

  /// The bytes of the packet that `next` went on to.
  var bytes: RawSpan {
    @_lifetime(borrow self)
    get { reader.bytes }
  }
}

/// The files of a replay that are opened, their contents still there.
struct ReplayOutputs: ~Copyable {
  private var frames: OutputFile?
  private var lines: OutputFile?

  init(_ replay: CaptureReplay, besides source: borrowing CaptureSource) throws(XSKError) {
    var taken = [(source.identity, "the capture that is read")]
    if let output = replay.output {
      let file = try OutputFile(output, except: taken)
      taken.append((file.identity, "where the frames go"))
      frames = consume file
    }
    if let units = replay.units { lines = try OutputFile(units, except: taken) }
  }

  /// Gives up their contents.
  consuming func begin(_ link: CaptureLink) throws(XSKError) -> ReplaySink {
    var capture: CaptureWriter?
    if let file = frames.take() { capture = try CaptureWriter(file, link: link) }
    var units: TextOutput?
    if let file = lines.take() { units = try TextOutput(file) }
    return ReplaySink(ReplayFiles(capture: capture, units: units))
  }
}
