import Forwarder
import Glibc
import KernelRoutes
import PacketSamples
import Testing
import XSKEngine
import XSKLab

/// Where a packet goes, as far as the kernel and a plan can be compared.
private enum Answer: Hashable {
  /// Out of a port, to a MAC address; 0: to the destination itself.
  case port(Int, UInt64)
  case host
  /// Whatever the reason.
  case refused
}

extension KernelTests {
  @Suite struct AgreementTests {
    static let gateways = 5

    /// Gateways 2…6 on each port, with MAC addresses that tell them apart; in IPv6 as well.
    static func mac(_ port: Int, _ gateway: Int) -> UInt64 { 0x0200_0000_0000 | UInt64(port << 8 | gateway) }

    static func prefix(_ isIPv6: Bool, _ generator: inout SeededGenerator) -> String {
      // Few bits, so that prefixes lie in each other, and meet again.
      let bits = UInt64.random(in: 0..<64, using: &generator)
      let length = Int.random(in: 0...6, using: &generator)
      let kept = bits & ~(UInt64(63) >> UInt64(length)) & 63
      guard isIPv6 else {
        return "\(IPv4Prefix(masking: 0x6400_0000 | UInt32(kept) << 14, length: 12 + length))"
      }
      return "\(IPv6Prefix(masking: UInt128(0x2001_0DB8_0100) << 80 | UInt128(kept) << 74, length: 48 + length))"
    }

    static func change(_ isIPv6: Bool, _ generator: inout SeededGenerator) -> String {
      let verb = ["add", "add", "replace", "append", "prepend", "del", "del"].randomElement(using: &generator) ?? ""
      let prefix = prefix(isIPv6, &generator)
      let port = Int.random(in: 0...2, using: &generator)
      let gateway = Int.random(in: 2..<2 + gateways, using: &generator)
      let metric = Int.random(in: 1...3, using: &generator)
      guard verb != "del" else { return "route del \(prefix) metric \(metric)" }
      if generator.once(in: 6) {
        let type = ["blackhole", "unreachable", "prohibit"].randomElement(using: &generator) ?? ""
        return "route \(verb) \(type) \(prefix) metric \(metric)"
      }
      if generator.once(in: 8) { return "route \(verb) \(prefix) dev \(port == 0 ? "p0" : "p1") metric \(metric)" }
      let network = isIPv6 ? ["2001:db8:a::", "2001:db8:b::", "2001:db8:9::"] : ["10.0.0.", "10.0.1.", "10.0.9."]
      return "route \(verb) \(prefix) via \(network[port])\(gateway) metric \(metric)"
    }

    /// What `ip route get` says, for several flows as the kernel chooses paths by them; addresses that it refuses are missing.
    fileprivate static func kernel(_ addresses: [String], _ lab: RouterLab) throws -> [String: Set<Answer>] {
      let file = "/tmp/xsk-get-\(getpid()).txt"
      let ports = [9, 99, 999, 1999, 2999, 3999, 4999, 5999]
      let questions = addresses.flatMap { address in
        ports.map { "route get \(address) ipproto udp sport \($0) dport \($0 * 7)" }
      }
      try questions.joined(separator: "\n").appending("\n")
        .write(toFile: file, atomically: true, encoding: .utf8)
      // unlink(2) reads the text.
      defer { unsafe unlink(file) }
      var answers: [String: Set<Answer>] = [:]
      for line in try lab.router.run(["ip", "-force", "-batch", file]).output.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        guard let first = words.first, addresses.contains(first), let device = word(words, "dev") else { continue }
        guard let port = ["p0", "p1"].firstIndex(of: device) else {
          answers[first, default: []].insert(.host)
          continue
        }
        // 10.0.1.4 or 2001:db8:b::4.
        let gateway = word(words, "via").flatMap { Int($0.split { $0 == "." || $0 == ":" }.last ?? "") }
        answers[first, default: []].insert(.port(port, gateway.map { mac(port, $0) } ?? 0))
      }
      return answers
    }

    private static func word(_ words: [String], _ name: String) -> String? {
      guard let place = words.firstIndex(of: name), place + 1 < words.count else { return nil }
      return words[place + 1]
    }

    fileprivate static func answer(_ hop: NextHop?) -> Answer {
      switch hop?.kind {
      case .neighbour: .port(Int(hop?.port ?? 0), hop?.destination ?? 0)
      case .unresolved: .port(Int(hop?.port ?? 0), 0)
      case .host: .host
      default: .refused
      }
    }

    @Test(arguments: [false, true], [UInt64(1), 2, 3])
    func `after random changes the answers are the kernel's`(isIPv6: Bool, seed: UInt64) throws {
      var generator = SeededGenerator(seed)
      let lab = try RouterLab()
      // Paths by ports, too.
      for version in ["ipv4", "ipv6"] {
        try lab.router.run(["sh", "-c", "echo 1 > /proc/sys/net/\(version)/fib_multipath_hash_policy"])
      }
      for port in 0...1 {
        for gateway in 2..<2 + Self.gateways {
          let mac = LinkAddress(number: Self.mac(port, gateway))
          try lab.router.addNeighbour("10.0.\(port).\(gateway)", at: mac, on: "p\(port)")
          try lab.router.addNeighbour("2001:db8:\(port == 0 ? "a" : "b")::\(gateway)", at: mac, on: "p\(port)")
        }
      }
      let routes = try lab.follow()
      for round in 0..<12 {
        let changes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in Self.change(isIPv6, &generator) }
        let file = "/tmp/xsk-change-\(getpid()).txt"
        try changes.joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
        // What can't be done, as deleting what is not there, is not done.
        try lab.router.run(["ip", "-force", "-batch", file])
        unsafe unlink(file)
        let addresses = (0..<64).map { number in
          let inside = UInt32.random(in: 0..<0x4000, using: &generator)
          return isIPv6
            ? (UInt128(0x2001_0DB8_0100) << 80 | UInt128(number) << 74 | UInt128(inside)).addressText
            : (0x6400_0000 | UInt32(number) << 14 | inside).addressText
        }
        let wanted = try Self.kernel(addresses, lab)
        let plan = { routes.plan }
        let differences = {
          let plan = plan()
          return addresses.filter { !(wanted[$0] ?? [.refused]).contains(Self.answer(plan.hop($0))) }
        }
        #expect(eventually { differences().isEmpty })
        let left = differences()
        guard left.isEmpty else {
          let address = left[0]
          let shown = try lab.router.run(["ip", isIPv6 ? "-6" : "-4", "route", "show", "match", address]).output
          Issue.record(
            "round \(round): \(address): \(Self.answer(plan().hop(address))), the kernel \(wanted[address] ?? [])\n\(shown)\(changes.joined(separator: "\n"))"
          )
          return
        }
      }
    }
  }
}
