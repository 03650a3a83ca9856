import ArgumentParser
import Forwarder
import XSKEngine

struct Drop: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Drop every packet that arrives on an interface.")

  @Argument(help: "The interface.") var interface: String?
  @OptionGroup var attached: AttachOptions
  @OptionGroup var options: EngineOptions

  func validate() throws { _ = try attached.ports([interface], count: 1) }

  func run() throws {
    try options.run("drop", try attached.ports([interface], count: 1)).run { _ in DropHandler() }
  }
}

struct Reflect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Send every packet back where it came from, its MAC addresses swapped.")

  @Argument(help: "The interface.") var interface: String?
  @OptionGroup var attached: AttachOptions
  @OptionGroup var options: EngineOptions

  func validate() throws { _ = try attached.ports([interface], count: 1) }

  func run() throws {
    try options.run("reflect", try attached.ports([interface], count: 1)).run { _ in ReflectHandler() }
  }
}

struct Forward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forward packets between two interfaces, both ways, byte for byte.")

  @Argument(help: "One interface.") var first: String?
  @Argument(help: "The other.") var second: String?
  @OptionGroup var attached: AttachOptions
  @Flag(
    inversion: .prefixedNo,
    help: "Take packets to other stations' MAC addresses, as a cable does; NICs keep them to themselves otherwise.")
  var promiscuous = true
  @OptionGroup var gro: GROOptions
  @OptionGroup var options: EngineOptions

  func validate() throws { _ = try attached.ports([first, second], count: 2) }

  /// What was typed, for whoever asks the engine what it runs.
  private var arguments: [String] { (promiscuous ? [] : ["--no-promiscuous"]) + gro.arguments }

  func run() throws {
    var ports = try attached.ports([first, second], count: 2)
    for place in ports.indices { ports[place].isPromiscuous = promiscuous && ports[place].attachment == nil }
    PeerNotes.tell(ports.filter { $0.attachment == nil }.map(\.device), "which go on as they came")
    let batch = options.batch
    guard let coalescing = try gro.configuration(.chain, batch: batch) else {
      return try options.run("forward", ports, arguments: arguments).run { _ in ForwardHandler() }
    }
    let held = gro.heldPackets(batch)
    try options.run("forward", ports, arguments: arguments) { $0.heldPerQueue = held }.run {
      placement throws(XSKError) in
      try CoalescingHandler(ForwardUnits(), gro: coalescing, batch: batch, queues: placement.slotCount)
    }
  }
}
