import ArgumentParser
import Captures
import Operations
import ProgramSupport
import XSKEngine

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Write packets of a running xskfwd, and what became of each, to a capture file.",
    discussion: """
      pcapng, for tcpdump and Wireshark: each packet with a comment that says where it was forwarded, or why it was \
      dropped. Packets are as they left, rewritten. All conditions must be met; Ctrl-C ends it. The workers don't wait: \
      packets that there is no room for are lost to the capture only, and counted.
      """)

  @OptionGroup var conditions: PacketConditions
  @Option(help: "Bytes that are kept of a packet, 1…262144.") var snaplen = CaptureSelection.maximumSnapLength
  @Option(help: "End after so many packets.") var count: UInt64?
  @Option(help: "End after this many seconds, 0.1…31536000.") var duration: Double?
  @Option(help: ArgumentHelp("The file; - for standard output: … --write - | tcpdump -r -", valueName: "file"))
  var write: String
  @OptionGroup var instance: InstanceOptions

  func validate() throws {
    guard (1...CaptureSelection.maximumSnapLength).contains(snaplen) else {
      throw ValidationError(
        "--snaplen \(snaplen): out of range; give 1 to \(CaptureSelection.maximumSnapLength) bytes")
    }
    guard count != 0 else { throw ValidationError("--count 0: out of range; give 1 or more") }
    if let duration, !CaptureRequest.durations.contains(duration) {
      throw ValidationError("--duration \(duration): out of range; give 0.1 to 31536000 seconds")
    }
    guard write != "-" || !Console.isTerminal else {
      throw ValidationError("--write -: standard output is a terminal; give it a pipe: … --write - | tcpdump -r -")
    }
  }

  func run() throws {
    var request = try conditions.request()
    (request.snapLength, request.count, request.duration) = (snaplen, count, duration)
    var stop = StopSignal()
    let client = try instance.client()
    // Nothing of the file is lost before the other side has agreed.
    let file = try OutputFile(write, except: [])
    var stream = try ControlStream(client, request.target, body: request.filter?.text ?? "")
    var writer = try CaptureFileWriter(file)
    Console.error("xskfwd: capturing to \(writer.name), Ctrl-C ends it")
    try writer.copy(&stream, stop: &stop)
    Console.error("xskfwd: \(writer.summary)")
  }
}
