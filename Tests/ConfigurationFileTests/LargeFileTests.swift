import ConfigurationFile
import Forwarder
import Foundation
import Testing
import XSKEngine

@Suite struct LargeFileTests {
  /// A directory of its own, gone with the test.
  private final class Directory {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("xsk-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
      try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
      return "\(path)/\(name)"
    }
  }

  private static let head = "version: 1\nports: {a: {device: eth0}}\n"
  private static let useOfSet = "rules: [{name: r, match: {saddr-set: s}, then: drop}]\n"

  @Test func `a set of a million prefixes is loaded from a file beside the configuration`() throws {
    let directory = try Directory()
    var text = "# a million\n\n2001:db8::/32 # and one of IPv6\r\n"
    for number in 0..<1_000_000 { text += "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)\n" }
    _ = try directory.write(text, to: "list.txt")
    let path = try directory.write(Self.head + "sets: {s: {file: list.txt}}\n" + Self.useOfSet, to: "c.yaml")
    let report = ConfigurationFile.read(path)
    #expect(report.problems == [])
    let set = try #require(report.configuration?.sets.first)
    #expect(set.ipv4.count == 1_000_000 && set.ipv6.map(\.description) == ["2001:db8::/32"])
    let last = try IPv4Prefix("10.15.66.63/32")
    #expect(set.ipv4.last == last)
    let made = try #require(try report.configuration?.prefixSets().first)
    #expect(made.contains(0x0A0F_423F as UInt32) && !made.contains(0x0A0F_4240 as UInt32))
  }

  @Test func `lines of a set's file are told with their places, and not without end`() throws {
    let directory = try Directory()
    let list = try directory.write(
      "10.0.0.0/8\n  10.1.2.3/16 # bits\nhost\n010.0.0.1\n1.2.3.4/33\n1.2.3\n2001:db8::1/32\n1.2.3.4 5\n\u{1}\n",
      to: "list")
    let path = try directory.write(Self.head + "sets: {s: {file: list}}\n" + Self.useOfSet, to: "c.yaml")
    #expect(
      ConfigurationFile.read(path).problems.map(\.description) == [
        "\(list):2: value \"10.1.2.3/16\": has address bits set behind the prefix; write 10.1.0.0/16",
        "\(list):3: value \"host\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
        "\(list):4: value \"010.0.0.1\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
        "\(list):5: value \"1.2.3.4/33\": no prefix; its length must be 0 to 32",
        "\(list):6: value \"1.2.3\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
        "\(list):7: value \"2001:db8::1/32\": has address bits set behind the prefix; write 2001:db8::/32",
        "\(list):8: value \"1.2.3.4 5\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
        "\(list):9: value \"�\": no prefix; write it like 192.0.2.0/24 or 2001:db8::/32",
      ])
    _ = try directory.write(String(repeating: "x\n", count: 5000), to: "list")
    let problems = ConfigurationFile.read(path).problems
    #expect(problems.count == 101)
    #expect(problems.last?.description == "\(list): 4900 more lines are no prefixes; correct these as well")
  }

  @Test func `what is no readable file of a sensible size is refused`() throws {
    let directory = try Directory()
    func message(_ path: String) -> [String] { ConfigurationFile.read(path).problems.map(\.description) }
    let missing = "\(directory.path)/missing"
    #expect(
      message(missing) == ["\(missing): can't be opened: No such file or directory; check its path and permissions"])
    #expect(message(directory.path) == ["\(directory.path): not a regular file; name a file"])
    #expect(message("/dev/zero") == ["/dev/zero: not a regular file; name a file"])
    let pipe = "\(directory.path)/pipe"
    // Safe: the path is a C string for the call; so below.
    let madePipe = unsafe mkfifo(pipe, 0o600)
    #expect(madePipe == 0)
    #expect(message(pipe) == ["\(pipe): not a regular file; name a file"])
    let empty = try directory.write("", to: "empty")
    #expect(message(empty) == ["\(empty): empty; write at least version: 1"])
    let large = try directory.write("", to: "large")
    let grown = unsafe truncate(large, off_t(ConfigurationFile.maximumBytes) + 1)
    #expect(grown == 0)
    #expect(message(large) == ["\(large): larger than 16 MiB; keep large prefix lists in files of their own"])
    let latin = "\(directory.path)/latin"
    try Data([0x23, 0x20, 0xE9, 0x0A]).write(to: URL(fileURLWithPath: latin))
    #expect(message(latin) == ["\(latin): not UTF-8; save it as UTF-8 text"])
    let bell = try directory.write("version: 1\u{7}", to: "bell")
    #expect(
      message(bell) == [
        "\(bell): not YAML: control characters are not allowed (character 7); take the character out"
      ])
    let reserved = try directory.write("version: \u{E000}", to: "private")
    #expect(message(reserved) == ["\(reserved): characters for private use (U+E000 to U+F8FF); take them out"])
  }

  @Test func `ten thousand rules are read and compile`() throws {
    var text = Self.head + "rules:\n"
    for number in 0..<10_000 {
      text +=
        "- {name: r\(number), match: {saddr: 10.\(number >> 8).\(number & 255).0/24, dport: \(number)}, then: drop}\n"
    }
    let configuration = try #require(ConfigurationFile.parse(text, file: "f").configuration)
    #expect(configuration.rules.rules.count == 10_000)
    _ = try configuration.compiledRules()
  }

  @Test func `aliases and depth can't make much of little`() {
    var bomb = Self.head + "a: &a0 [x, x]\n"
    for level in 1...40 { bomb += "a\(level): &a\(level) {? [*a\(level - 1), *a\(level - 1)] : *a\(level - 1)}\n" }
    let report = ConfigurationFile.parse(bomb, file: "f")
    // Each level is an unknown key, and nothing is expanded.
    #expect(report.problems.count == 41 && report.configuration == nil)
    for opening in ["[", "{a: ", "- ", "? "] {
      let deep = ConfigurationFile.parse(String(repeating: opening, count: 100_000), file: "f")
      #expect(deep.problems.count == 1 && deep.configuration == nil)
    }
    let repeated = String(repeating: "engine: {}\n", count: 2000)
    let report2 = ConfigurationFile.parse(Self.head + repeated, file: "f")
    #expect(report2.problems.count <= 256 && report2.configuration == nil)
  }
}
