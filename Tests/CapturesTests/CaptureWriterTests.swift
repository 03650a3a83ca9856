import Captures
import Foundation
import PacketSamples
import Testing
import XSKEngine

@Suite struct CaptureWriterTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  static func write(_ packets: [ReadPacket], to path: String, link: CaptureLink) throws {
    var writer = try CaptureWriter(OutputFile(path, except: []), link: link)
    for packet in packets { try writer.write(packet.bytes.packet, packet.record) }
    try writer.flush()
  }

  @Test(arguments: [CaptureLink.ethernet, .rawIP])
  func `what is written is what is read`(link: CaptureLink) throws {
    let packets = [0, 1, 60, 65_557, 262_144].map { count in
      ReadPacket(
        bytes: SamplePacket.fill(count),
        record: CaptureRecord(seconds: 4_294_967_295, nanoseconds: 999_999_999, length: UInt32(count + count / 2)))
    }
    try Self.write(packets, to: folder.file("out"), link: link)
    let (read, damage, again) = try readAll(folder.file("out"))
    #expect(read == packets && damage == nil && again == link)
  }

  @Test func `the file has the bytes that the format's description asks for`() throws {
    let capture = SampleCapture(frames: [[1, 2, 3], [], SamplePacket().frame])
    let packets = try readAll(folder.write(capture.bytes)).packets
    try Self.write(packets, to: folder.file("out"), link: .ethernet)
    #expect(try folder.read("out") == capture.bytes)
    try Self.write([], to: folder.file("out"), link: .rawIP)
    #expect(try folder.read("out") == SampleCapture(frames: []) { $0.link = 101 }.bytes)
  }

  @Test func `a full disk is said`() throws {
    let words = "/dev/full: can't be written: No space left on device; name a file that has room"
    let packet = ReadPacket(bytes: SamplePacket.fill(1000), record: CaptureRecord(length: 1000))
    #expect(problem { try Self.write([packet], to: "/dev/full", link: .ethernet) } == words)
    #expect(
      problem { try Self.write([ReadPacket](repeating: packet, count: 200), to: "/dev/full", link: .ethernet) } == words
    )
    #expect(
      problem {
        var text = try TextOutput(OutputFile("/dev/full", except: []))
        try text.write("a line\n")
        try text.flush()
      } == words)
  }

  @Test func `the file that is read is not written, whatever it is called`() throws {
    let path = try folder.write(SampleCapture(frames: [[1]]).bytes)
    try FileManager.default.createSymbolicLink(atPath: folder.file("symbolic"), withDestinationPath: path)
    try FileManager.default.linkItem(atPath: path, toPath: folder.file("hard"))
    let reader = try CaptureReader(path)
    for name in ["in.pcap", "symbolic", "hard"] {
      let other = folder.file(name)
      let identity = reader.identity
      #expect(
        problem { _ = try OutputFile(other, except: [(identity, "the capture that is read")]) }
          == "\(other): is the capture that is read; name another file")
    }
    #expect(try folder.read("in.pcap") == SampleCapture(frames: [[1]]).bytes)
  }

  @Test func `a file is emptied, and a new one stays, only once writing begins`() throws {
    let old = try folder.write([1, 2, 3], to: "old")
    let new = folder.file("new")
    do {
      _ = try OutputFile(old, except: [])
      _ = try OutputFile(new, except: [])
    }
    #expect(try folder.read("old") == [1, 2, 3] && folder.names == ["old"])
    for path in [old, new] {
      var text = try TextOutput(OutputFile(path, except: []))
      try text.write("x")
      try text.flush()
    }
    #expect(try folder.read("old") == [0x78] && folder.read("new") == [0x78])
  }

  @Test func `a file that can't be made is refused in words`() throws {
    let path = folder.file("no/such/folder")
    #expect(
      problem { _ = try OutputFile(path, except: []) }
        == "\(path): can't be written: No such file or directory; name a file that you may write")
    #expect(
      problem { _ = try OutputFile(folder.path, except: []) }
        == "\(folder.path): can't be written: Is a directory; name a file that you may write")
  }

  /// The catalogue's check value (CRC-32/ISO-HDLC), and a byte at a time.
  @Test func `the checksum is zlib's`() {
    let text = Array("123456789".utf8)
    var whole = CRC32()
    whole.add(text.packet)
    #expect(whole.value == 0xCBF4_3926 && CRC32().value == 0)
    var pieces = CRC32()
    for place in text.indices { pieces.add(text.packet.extracting(place..<place + 1)) }
    pieces.add(text.packet.extracting(first: 0))
    #expect(pieces == whole)
  }
}
