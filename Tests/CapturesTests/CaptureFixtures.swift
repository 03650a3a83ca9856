import Captures
import PacketSamples
import XSKEngine

/// A packet as a capture gave it.
struct ReadPacket: Hashable {
  var bytes: [UInt8]
  var record: CaptureRecord
}

/// All of a capture; where it is damaged, what came before, and what was said.
func readAll(_ path: String) throws(XSKError) -> (packets: [ReadPacket], damage: XSKError?, link: CaptureLink) {
  var reader = try CaptureReader(path)
  var packets: [ReadPacket] = []
  do throws(XSKError) {
    while let record = try reader.next() { packets.append(ReadPacket(bytes: array(reader.bytes), record: record)) }
  } catch { return (packets, error, reader.link) }
  return (packets, nil, reader.link)
}

func array(_ span: RawSpan) -> [UInt8] {
  // Any bit pattern is a byte.
  unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
}

/// The words of the error that `body` throws; nil: it throws none.
func problem(_ body: () throws -> Void) -> String? {
  do { try body() } catch { return "\(error)" }
  return nil
}
