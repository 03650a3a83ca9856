import ArgumentParser
import Forwarder
import XSKEngine

struct Drop: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Drop every packet that arrives on an interface.")

  @Argument(help: "The interface.") var interface: String
  @OptionGroup var options: EngineOptions

  func run() throws {
    try options.run("drop", [interface]).run { _ in DropHandler() }
  }
}

struct Reflect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Send every packet back where it came from, its MAC addresses swapped.")

  @Argument(help: "The interface.") var interface: String
  @OptionGroup var options: EngineOptions

  func run() throws {
    try options.run("reflect", [interface]).run { _ in ReflectHandler() }
  }
}

struct Forward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forward packets between two interfaces, both ways, byte for byte.")

  @Argument(help: "One interface.") var first: String
  @Argument(help: "The other.") var second: String
  @OptionGroup var gro: GROOptions
  @OptionGroup var options: EngineOptions

  func run() throws {
    PeerNotes.tell([first, second], "which go on as they came")
    let batch = options.batch
    guard let coalescing = try gro.configuration(.chain, batch: batch) else {
      return try options.run("forward", [first, second], arguments: gro.arguments).run { _ in ForwardHandler() }
    }
    let held = gro.heldPackets(batch)
    try options.run("forward", [first, second], arguments: gro.arguments) { $0.heldPerQueue = held }.run {
      placement throws(XSKError) in
      try CoalescingHandler(ForwardUnits(), gro: coalescing, batch: batch, queues: placement.slotCount)
    }
  }
}
