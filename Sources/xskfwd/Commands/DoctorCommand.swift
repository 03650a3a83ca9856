import ArgumentParser
import FoundationEssentials
import ProgramSupport
import XSKEngine

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine, and an interface, can do for AF_XDP, and what stands in the way.",
    discussion: "Exit status: 0 all well, 1 works but not at its best, 2 won't work.")

  @Argument(help: "The interface. Default: only the machine.") var interface: String?
  @Option(help: "RX queues that are going to be used. Default: all.") var queues: NumberList?
  @Option(help: "CPUs that workers are going to run on. Default: any.") var cores: NumberList?
  @Flag(help: "Print the findings as one JSON object.") var json = false

  func run() throws {
    let findings = Doctor.examine(device: interface, queues: queues?.numbers, cores: cores?.numbers)
    let report = DoctorReport(device: interface, findings: findings)
    Console.print(json ? try json(report) : report.text(colour: Console.isTerminal))
    throw ExitCode(report.exitStatus)
  }
}

extension DoctorCommand {
  private func json(_ report: DoctorReport) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }
}
