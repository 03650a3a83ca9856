import Forwarder
import GROLite
import XSKEngine

// Ports, engine, and what the engine's program writes.

extension ConfigurationReader {
  mutating func readPorts(_ element: Element?) -> [ForwarderPort] {
    guard let element, let entries = entries(element, "a port's name, and its device below it") else { return [] }
    guard (1...254).contains(entries.count) else {
      report(element, "\(entries.count) ports", "define 1 to 254")
      return []
    }
    var ports: [ForwarderPort] = []
    var users: [String: String] = [:]
    for entry in entries {
      check(word: entry)
      portNames.append(entry.key)
      let port = readPort(entry)
      ports.append(port)
      guard !port.device.isEmpty else { continue }
      if port.device == ForwarderConfiguration.localPort {
        report(
          fieldElement(entry.element, "device"), value: port.device, "what the forwarder calls its own packets",
          "rename the interface: ip link set \(port.device) name NAME")
      }
      if let user = users.updateValue(entry.key, forKey: port.device) {
        report(
          fieldElement(entry.element, "device"), value: port.device, "port \"\(user)\" has the same device",
          "give each port a device of its own")
      }
    }
    checkTaps(ports, entries, users)
    checkAddresses(ports, entries)
    return ports
  }

  /// The key is a name that is used elsewhere, too.
  package mutating func check(word entry: Entry) {
    do throws(ValueFault) { _ = try PacketValue.word(entry.key) } catch {
      report(entry.keyElement, value: entry.key, error)
    }
  }

  /// A field's element again.
  package func fieldElement(_ element: Element, _ key: String) -> Element {
    guard case .mapping(let mapping) = element.node,
      let pair = mapping.first(where: { $0.key.scalar.map(YAMLDocument.text) == key })
    else { return element }
    return Element(pair.value, path: "\(element.path).\(key)", near: pair.key.mark)
  }

  package mutating func readPort(_ entry: Entry) -> ForwarderPort {
    var port = ForwarderPort(entry.key, device: "")
    guard let fields = fields(entry.element, .port) else { return port }
    port.device = value(fields["device"], "a device's name", PacketValue.device) ?? ""
    port.queues = numbers(fields["queues"], below: 65_536)
    port.vlan = integer(fields["vlan"], 1...4094).map { UInt16($0) }
    port.mtu = integer(fields["mtu"], 576...65_535).map { UInt16($0) }
    for item in fields["addresses"].flatMap({ items($0) }) ?? [] {
      guard let address = value(item, "an address with its length, 192.0.2.1/24", PacketValue.interfaceAddress) else {
        continue
      }
      port.addresses.append(address)
    }
    port.tap = value(fields["tap"], "a device's name", PacketValue.device)
    if let punt = fields["punt"] { port.punt = readPunt(punt) }
    port.promiscuous = boolean(fields["promiscuous"])
    return port
  }

  /// A TAP device is new: no port has its name, nor has another TAP device.
  private mutating func checkTaps(_ ports: [ForwarderPort], _ entries: [Entry], _ users: [String: String]) {
    var users = users
    for (port, entry) in zip(ports, entries) {
      guard let tap = port.tap, let user = users.updateValue(port.name, forKey: tap) else { continue }
      report(
        fieldElement(entry.element, "tap"), value: tap, "port \"\(user)\" has a device of this name",
        "choose a name that no interface has")
    }
  }

  /// An address belongs to one port, and so does a network: routes to both would lead two ways.
  private mutating func checkAddresses(_ ports: [ForwarderPort], _ entries: [Entry]) {
    var owners: [AnyPrefix: String] = [:]
    for (port, entry) in zip(ports, entries) {
      for network in Set(port.addresses.map(\.network)) {
        guard let owner = owners.updateValue(port.name, forKey: network) else { continue }
        report(
          fieldElement(entry.element, "addresses"), value: network.description,
          "port \"\(owner)\" is connected to the same network", "give each network to one port")
      }
    }
  }

  /// Numbers and ranges as a list, or as in `0,2-3`; each once.
  package mutating func numbers(_ element: Element?, below limit: Int) -> [Int]? {
    guard let element, let items = items(element) else { return nil }
    var numbers: [Int] = []
    for item in items {
      let more = value(item, "numbers, 0,2-3") { text throws(ValueFault) in try NumberValue.list(text, below: limit) }
      for number in more ?? [] {
        guard !numbers.contains(number) else {
          report(item, value: item.text, "\(number) is named twice", "name each number once")
          break
        }
        numbers.append(number)
      }
    }
    return numbers
  }

  package mutating func readEngine(_ element: Element?) -> EngineSettings {
    var settings = EngineSettings()
    guard let element, let fields = fields(element, .engine) else { return settings }
    settings.cores = numbers(fields["cores"], below: 1024)
    settings.mode =
      choice(fields["mode"], ModeRequest.allCases.map(\.rawValue)).map { ModeRequest.allCases[$0] } ?? .auto
    let policies = IdlePolicy.allCases
    settings.idle = choice(fields["idle"], policies.map(\.rawValue)).map { policies[$0] } ?? .adaptive
    settings.batch = integer(fields["batch"], 1...1024) ?? settings.batch
    settings.chunk =
      value(fields["chunk"], "2048 or 4096") { text throws(ValueFault) in
        guard text == "2048" || text == "4096" else { throw ValueFault("no size of a frame", "use 2048 or 4096") }
        return text == "2048" ? 2048 : 4096
      } ?? settings.chunk
    let pages = choice(fields["hugepages"], Words.pages).map { Words.pages[$0] }
    settings.hugepages = pages.flatMap { UMEMConfiguration.Pages(rawValue: $0) } ?? .plain
    if let gro = choice(fields["gro"], Words.gro) { settings.gro = Words.gro[gro] == "chain" ? .chain : nil }
    settings.groHold = integer(fields["gro-hold"], 0...1000) ?? 0
    if settings.gro == nil, settings.groHold > 0, let hold = fields["gro-hold"] {
      report(hold, value: hold.text, "nothing is held without GRO", "set gro to chain, or take gro-hold out")
    }
    return settings
  }
}

extension ConfigurationReader {
  mutating func readOffload(_ element: Element?) -> OffloadSettings {
    var settings = OffloadSettings()
    guard let element, let fields = fields(element, .offload) else { return settings }
    settings.flows = integer(fields["flows"], 0...4_194_304) ?? settings.flows
    settings.sources = integer(fields["sources"], 0...4_194_304) ?? settings.sources
    if settings.flows + settings.sources == 0 {
      report(element, "neither flows nor sources are allowed", "allow some, or take it out")
    }
    settings.lifetime = value(fields["lifetime"], "a time, 10 s", RateValue.milliseconds) ?? settings.lifetime
    return settings
  }

  /// Well-known keys have the numbers of their places in `Words.metadata`.
  mutating func readMetadata(_ element: Element?) -> MetadataConfiguration {
    for (number, name) in Words.metadata.enumerated() { metadataKeys[name] = UInt8(number) }
    var metadata = MetadataConfiguration()
    guard let element, let fields = fields(element, .metadata) else { return metadata }
    for item in fields["write"].flatMap({ items($0) }) ?? [] {
      guard let number = choice(item, Words.metadata), let key = MetadataKey(number: number) else { continue }
      if !metadata.keys.insert(key).inserted { report(item, value: item.text, "named twice", "name each key once") }
    }
    metadata.mark =
      value(fields["mark"], "a number") { text throws(ValueFault) in
        UInt32(try NumberValue.integer(text, 0...Int(UInt32.max)))
      } ?? 0
    metadata.deployment = readDeploymentKeys(fields["keys"])
    if metadata.length > 252 {
      report(
        element, "\(metadata.length) bytes ahead of each packet, more than any kernel accepts",
        "name fewer keys: 252 bytes at most, of which the header takes 16")
    }
    return metadata
  }

  private mutating func readDeploymentKeys(_ element: Element?) -> [DeploymentKey] {
    guard let element, let entries = entries(element, "a key's name, and its number and bytes below it") else {
      return []
    }
    var keys: [DeploymentKey] = []
    for entry in entries {
      check(word: entry)
      if Words.metadata.contains(entry.key) {
        report(entry.keyElement, value: entry.key, "the name of a well-known key", "choose another name")
      }
      guard let fields = fields(entry.element, .metadataKey) else { continue }
      let number = integer(fields["number"], 32...63)
      let bytes = value(fields["bytes"], "2, 4 or 8") { text throws(ValueFault) in
        guard let bytes = Int(text), [2, 4, 8].contains(bytes) else {
          throw ValueFault("no size of a value", "use 2, 4 or 8")
        }
        return bytes
      }
      // Known even if it is wrong, so that rules which name it are not blamed.
      metadataKeys[entry.key] = metadataKeys[entry.key] ?? UInt8(number ?? 63)
      guard let number, let bytes, let key = MetadataKey(number: number) else { continue }
      if let other = keys.first(where: { $0.key == key }) {
        report(
          fieldElement(entry.element, "number"), value: "\(number)", "key \"\(other.name)\" has the same number",
          "give each key a number of its own")
      }
      keys.append(DeploymentKey(key, name: entry.key, bytes: bytes))
    }
    return keys
  }
}
