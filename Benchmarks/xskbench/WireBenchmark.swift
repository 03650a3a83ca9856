import ArgumentParser

struct WireBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "wire", abstract: "x")
}
