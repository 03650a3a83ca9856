import Forwarder
import XSKEngine

// Prefix sets and rate limiters.

extension ConfigurationReader {
  package mutating func readSets(_ element: Element?) -> [NamedPrefixes] {
    guard let element, let entries = entries(element, "a set's name, and its prefixes below it") else { return [] }
    return entries.map { entry in
      check(word: entry)
      setNames.append(entry.key)
      var set = NamedPrefixes(entry.key)
      if entry.element.isMapping {
        readSetFile(entry.element, into: &set)
      } else {
        for item in list(entry.element, "prefixes, [192.0.2.0/24, 2001:db8::/32], or file: PATH") {
          switch value(item, "a prefix", PacketValue.prefix) {
          case .ipv4(let prefix): set.ipv4.append(prefix)
          case .ipv6(let prefix): set.ipv6.append(prefix)
          case nil: break
          }
        }
      }
      return set
    }
  }

  private mutating func readSetFile(_ element: Element, into set: inout NamedPrefixes) {
    guard let fields = fields(element, .setFile), let entry = fields["file"], let name = text(entry, "a path") else {
      return
    }
    guard !name.utf8.contains(0) else { return report(entry, ValueFault("no path", "name a file")) }
    let path = SourceFile.path(name, namedIn: file)
    switch SourceFile.read(path, maximumBytes: ConfigurationFile.maximumSetBytes) {
    case .failure(let fault): report(entry, value: path, fault.problem, fault.remedy)
    case .success(let bytes):
      var prefixes = PrefixFile(file: path)
      prefixes.read(bytes)
      (set.ipv4, set.ipv6) = (prefixes.ipv4, prefixes.ipv6)
      setProblems += prefixes.problems
    }
  }

  mutating func readLimiters(_ element: Element?) -> [RateLimiter] {
    guard let element, let entries = entries(element, "a limiter's name, and its rate below it") else { return [] }
    var limiters: [RateLimiter] = []
    for entry in entries {
      check(word: entry)
      limiterNames.append(entry.key)
      guard let limiter = readLimiter(entry) else {
        excess.append("rate_limit")
        continue
      }
      limiters.append(limiter)
      excess.append(limiter.excess)
    }
    return limiters
  }

  private mutating func readLimiter(_ entry: Entry) -> RateLimiter? {
    guard let fields = fields(entry.element, .limiter) else { return nil }
    let reason = value(fields["excess"], "a drop reason", PacketValue.reason) ?? "rate_limit"
    let per = choice(fields["per"], Words.per).map { Words.per[$0] } ?? "rule"
    let key = rateKey(fields, per)
    let entries = value(fields["entries"], "a power of two") { text throws(ValueFault) in
      let number = try NumberValue.integer(text, 1024...1 << 26)
      guard number.nonzeroBitCount == 1 else {
        throw ValueFault("no power of two", "use 1024, 2048, 4096, … up to \(1 << 26)")
      }
      return number
    }
    if per == "rule", let element = fields["entries"] { tellUseless(element, "per: rule has no table") }
    guard let limit = rateLimit(fields) else { return nil }
    return RateLimiter(entry.key, limit, forEach: key, entries: entries ?? 65_536, excess: reason)
  }

  private mutating func tellUseless(_ element: Element, _ why: String) {
    report(element, value: element.text, why, "set per to source, destination or flow, or take it out")
  }

  private mutating func rateLimit(_ fields: Fields) -> RateLimit? {
    guard let element = fields["rate"],
      let rate = value(element, "a rate such as 100 kpps or 10 Mbit/s", RateValue.rate)
    else { return nil }
    var limit: RateLimit?
    do throws(XSKError) { limit = try RateLimit(rate.unit, perSecond: rate.perSecond) } catch {
      report(element, value: element.text, error.problem, "\(error.remedy) \(rate.unit) a second")
    }
    guard limit != nil, let amount = fields["burst"] else { return limit }
    return value(amount, "an amount such as 1000 packets or 64 kB") { text throws(ValueFault) in
      let burst = try RateValue.burst(text, of: rate.unit)
      do throws(XSKError) { return try RateLimit(rate.unit, perSecond: rate.perSecond, burst: burst) } catch {
        throw ValueFault("out of range for this rate", "\(error.remedy) \(rate.unit)")
      }
    }
  }

  private mutating func rateKey(_ fields: Fields, _ per: String) -> RateKey? {
    let (ipv4, ipv6) = (integer(fields["ipv4-prefix"], 0...32), integer(fields["ipv6-prefix"], 0...128))
    if per == "rule" || per == "flow" {
      for key in ["ipv4-prefix", "ipv6-prefix"] {
        guard let element = fields[key] else { continue }
        report(
          element, value: element.text, "per: \(per) looks at no prefix",
          "set per to source or destination, or take it out")
      }
    }
    // Lengths were checked, so these don't throw.
    return switch per {
    case "source": try? .source(ipv4Length: ipv4 ?? 32, ipv6Length: ipv6 ?? 64)
    case "destination": try? .destination(ipv4Length: ipv4 ?? 32, ipv6Length: ipv6 ?? 128)
    case "flow": .flow
    default: nil
    }
  }
}
