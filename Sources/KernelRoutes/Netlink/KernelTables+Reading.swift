import Forwarder
import Glibc
import XSKEngine

// The tables as a whole.

/// The fixed part of a question, and attributes.
struct NetlinkQuestion {
  let type: UInt16
  private var body: [UInt8]

  /// - Parameter length: bytes of the fixed part, which begins with the family.
  init(_ type: UInt16, family: UInt8 = AddressFamily.unspecified, length: Int) {
    self.type = type
    body = [family] + [UInt8](repeating: 0, count: length - 1)
  }

  static let links = NetlinkQuestion(MessageType.link, length: 16).with(29, 1 << 3)  // RTEXT_FILTER_SKIP_STATS
  static let addresses = NetlinkQuestion(MessageType.address, length: 8)
  static let nexthops = NetlinkQuestion(MessageType.nexthop, length: 8)
  static let neighbours = NetlinkQuestion(MessageType.neighbour, length: 12)

  /// - Parameter table: nil: of all tables.
  static func routes(_ family: UInt8, table: UInt32?) -> NetlinkQuestion {
    let question = NetlinkQuestion(MessageType.route, family: family, length: 12)
    return table.map { question.with(15, $0) } ?? question
  }

  private func with(_ attribute: UInt16, _ value: UInt32) -> NetlinkQuestion {
    var request = NetlinkRequest(type: 0, flags: 0, sequence: 0)
    request.append(attribute: attribute, value)
    var question = self
    question.body += request.bytes.dropFirst(NetlinkHeader.length)
    return question
  }

  func request(_ sequence: UInt32) -> NetlinkRequest {
    var request = NetlinkRequest(type: type + 2, flags: NetlinkRequest.dump, sequence: sequence)
    for byte in body { request.append(byte) }
    return request
  }
}

extension KernelTables {
  /// Reads what the model is in doubt about, and puts it in place of what was known.
  mutating func read(_ model: inout KernelModel) throws(XSKError) {
    let doubts = model.doubts
    model.doubts = []
    do throws(XSKError) {
      if doubts.contains(.others) { try readOthers(&model) }
      if doubts.contains(.routes) { try readRoutes(&model) }
    } catch {
      model.doubts.formUnion(doubts)
      throw error
    }
  }

  private mutating func readOthers(_ model: inout KernelModel) throws(XSKError) {
    var links: [Int32: KernelLink] = [:]
    try dump(.links, .others, &model, begin: { _ in links = [:] }) { model, bytes in
      model.take(KernelLink.decode(bytes)) { links[$1.index] = $1 }
    }
    var addresses: [Int32: [KernelAddress]] = [:]
    try dump(.addresses, .others, &model, begin: { _ in addresses = [:] }) { model, bytes in
      model.take(KernelAddress.decode(bytes)) { addresses[$1.device, default: []].append($1) }
    }
    var nexthops: [UInt32: KernelNexthop] = [:]
    try dump(.nexthops, .others, &model, begin: { _ in nexthops = [:] }) { model, bytes in
      model.take(KernelNexthop.decode(bytes)) { nexthops[$1.id] = $1 }
    }
    var neighbours: [NeighbourKey: KernelNeighbour] = [:]
    try dump(.neighbours, .others, &model, begin: { _ in neighbours = [:] }) { model, bytes in
      model.take(KernelNeighbour.decode(bytes)) { if $1.mac != nil { neighbours[$1.key] = $1 } }
    }
    (model.links, model.addresses, model.nexthops, model.neighbours) = (links, addresses, nexthops, neighbours)
    model.linksChanged()
  }

  private mutating func readRoutes(_ model: inout KernelModel) throws(XSKError) {
    var found = FoundRoutes()
    do throws(XSKError) {
      try readRoutes(AddressFamily.ipv4, &model, &found)
      try readRoutes(AddressFamily.ipv6, &model, &found)
    } catch {
      found.release(&model.numbers)
      throw error
    }
    dumps += 1
    model.replace(found)
  }

  private mutating func readRoutes(
    _ family: UInt8, _ model: inout KernelModel, _ found: inout FoundRoutes
  ) throws(XSKError) {
    // Of one table, where the kernel can tell them apart; else of all, and others are passed over.
    let tables: [UInt32?] = questions.isStrict ? [model.settings.table, KernelModel.localTable] : [nil]
    for table in tables {
      var part = FoundRoutes()
      do throws(XSKError) {
        try dump(
          .routes(family, table: table), .routes, &model, begin: { part.release(&$0.numbers) }
        ) { model, bytes in
          model.take(KernelRoute.decode(bytes)) { model, route in
            guard model.isFollowed(route.table), table.map({ $0 == route.table }) ?? true else { return }
            part.append(route, &model.numbers)
          }
        }
      } catch {
        part.release(&model.numbers)
        throw error
      }
      found.merge(part)
    }
  }

  /// Asks for a dump, and calls `each` with the bodies of its messages. If something changed meanwhile, so that it may not be
  /// whole (NLM_F_DUMP_INTR), it is asked for again, from `begin` on. After some trials it is taken as it is, and in doubt.
  private mutating func dump(
    _ question: NetlinkQuestion, _ doubt: KernelModel.Doubts, _ model: inout KernelModel,
    begin: (inout KernelModel) -> Void, each: (inout KernelModel, RawSpan) -> Void
  ) throws(XSKError) {
    for _ in 0..<4 {
      begin(&model)
      let end = try dumpOnce(question, &model, each)
      switch end.code {
      // No such table, no such family, no nexthop objects.
      case ENOENT, EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT: return begin(&model)
      case 0: if end.isWhole { return }
      default: throw Self.failure(end.code)
      }
    }
    model.doubts.insert(doubt)
  }

  private mutating func dumpOnce(
    _ question: NetlinkQuestion, _ model: inout KernelModel, _ each: (inout KernelModel, RawSpan) -> Void
  ) throws(XSKError) -> (isWhole: Bool, code: CInt) {
    let sequence = questions.nextSequence()
    let refusal = questions.send(question.request(sequence))
    guard refusal == 0 else { throw Self.failure(refusal) }
    var (isOver, isWhole, code) = (false, true, CInt(0))
    while !isOver {
      switch questions.receive(into: &answers) {
      case .bytes(let count):
        let isSound = NetlinkBytes.forEachMessage(answers, count: count) { header, body in
          guard header.sequence == sequence else { return }
          if header.flags & 0x10 != 0 { isWhole = false }
          switch header.type {
          case NetlinkHeader.error, NetlinkHeader.done:
            isOver = true
            code = -(body.number(as: Int32.self) ?? 0)
          case question.type: each(&model, body)
          default: break
          }
        }
        if !isSound { model.malformed += 1 }
        try keepNotifications(&model)
      case .nothing:
        // The kernel goes on with a dump whenever an answer was taken: the bound is for one that is lost.
        guard questions.wait(milliseconds: 5000) else { throw Self.failure(ETIMEDOUT) }
      case .lost:
        // What is left of it would be in the way.
        questions = try RoutingSocket(receiveBuffer: 1 << 20)
        return (false, 0)
      case .failed(let code): throw Self.failure(code)
      }
    }
    return (isWhole, code)
  }
}

/// Routes as they were read.
struct FoundRoutes {
  var local4 = RouteCandidates<UInt32>()
  var main4 = RouteCandidates<UInt32>()
  var local6 = RouteCandidates<UInt128>()
  var main6 = RouteCandidates<UInt128>()

  mutating func append(_ route: KernelRoute, _ numbers: inout HopNumbers) {
    let number = numbers.use(.kernel(route.target))
    let isLocal = route.table == KernelModel.localTable
    switch route.prefix {
    case .ipv4(let prefix):
      if isLocal { local4.append(prefix, .init(metric: route.metric, number: number)) }
      if !isLocal { main4.append(prefix, .init(metric: route.metric, number: number)) }
    case .ipv6(let prefix):
      if isLocal { local6.append(prefix, .init(metric: route.metric, number: number)) }
      if !isLocal { main6.append(prefix, .init(metric: route.metric, number: number)) }
    }
  }

  /// Takes over what another has found, in other tables or of another version.
  mutating func merge(_ other: FoundRoutes) {
    if !other.local4.first.isEmpty { local4 = other.local4 }
    if !other.main4.first.isEmpty { main4 = other.main4 }
    if !other.local6.first.isEmpty { local6 = other.local6 }
    if !other.main6.first.isEmpty { main6 = other.main6 }
  }

  mutating func release(_ numbers: inout HopNumbers) {
    local4.forEachNumber { numbers.release($0) }
    main4.forEachNumber { numbers.release($0) }
    local6.forEachNumber { numbers.release($0) }
    main6.forEachNumber { numbers.release($0) }
    self = FoundRoutes()
  }
}

extension KernelModel {
  mutating func replace(_ found: FoundRoutes) {
    var former = FoundRoutes(local4: ipv4.local, main4: ipv4.main, local6: ipv6.local, main6: ipv6.main)
    ipv4.replace(local: found.local4, main: found.main4)
    ipv6.replace(local: found.local6, main: found.main6)
    former.release(&numbers)
    (isChanged, neighboursChanged) = (true, true)
  }
}
