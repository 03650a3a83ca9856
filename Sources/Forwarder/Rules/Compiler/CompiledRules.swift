public import XSKEngine

/// Rules, compiled: immutable, shared by all workers.
///
///     let rules = try CompiledRules(set, in: environment)
///     // On a worker, which keeps `rules` as long as it uses the classifier:
///     let rule = classifier.firstMatch(summary, frame: bytes, length: length, ingressPort: port, context: context)
public final class CompiledRules: Sendable {
  public let ruleSet: RuleSet
  /// What searches: a view of this object's memory.
  @usableFromInline let view: RuleClassifier
  /// Of at most 64 rules whose order is kept, if they were asked for; else nil.
  let services: ServiceWords?
  private let memory: RuleMemory

  /// Compiles a set. Takes under a second for 10,000 rules; not for a worker's thread.
  ///
  /// - Parameters:
  ///   - environment: what the rules may refer to.
  ///   - maximumMemory: bytes that the tables may take.
  /// - Throws: the first problem of the set (`RuleSet.problems` tells them all), or too much memory.
  public convenience init(
    _ set: RuleSet, in environment: RuleEnvironment = RuleEnvironment(), maximumMemory: Int = 256 << 20
  ) throws(XSKError) {
    try self.init(set, in: environment, maximumMemory: maximumMemory, keepsOrder: false, hasServices: false)
  }

  /// - Parameters:
  ///   - keepsOrder: ranges of the rules will be searched, each by itself (`RuleRange`).
  ///   - hasServices: `services` is of use: making it looks up each port twice.
  init(
    _ set: RuleSet, in environment: RuleEnvironment, maximumMemory: Int = 256 << 20, keepsOrder: Bool,
    hasServices: Bool = true
  ) throws(XSKError) {
    if let problem = set.problems(in: environment).first { throw problem }
    let compiler = try RuleCompiler(set.rules, maximumMemory: maximumMemory, keepsOrder: keepsOrder)
    let memory = RuleMemory()
    ruleSet = set
    self.memory = memory
    // The view and the memory that it points into live in this object, together.
    view = unsafe RuleClassifier(compiler, sets: set.prefixSets, memory)
    services = unsafe keepsOrder && hasServices && set.rules.count <= 64 ? ServiceWords(view, memory) : nil
  }

  /// Bytes of the tables.
  public var memoryBytes: Int { memory.byteCount }

  /// The classifier for a worker to keep: a plain value without reference counts.
  ///
  /// - Warning: it points into this object: whoever keeps it keeps the object too.
  @unsafe public var classifier: RuleClassifier { view }

  /// Whether some rule looks at what the packets of one aggregate may differ in: length, TCP flags. Such rules are only exact
  /// if each packet is decided about by itself.
  public var looksBeyondFlow: Bool { ruleSet.rules.contains { $0.match.looksBeyondFlow } }
}

extension RuleMatch {
  /// It looks at what the packets of one aggregate may differ in.
  var looksBeyondFlow: Bool { length != nil || tcpFlags != nil || !metadata.isEmpty }
}

/// Owns the tables of compiled rules: each begins on a cache line of its own.
@safe final class RuleMemory: @unchecked Sendable {
  // Safe: only appended to while rules are compiled, by one thread; then read only. Freed with its owner.
  private var tables: [UnsafeMutableRawPointer] = unsafe []
  private(set) var byteCount = 0

  /// A copy of a table, and one element more: an empty table has an address too.
  func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
    let stride = MemoryLayout<Element>.stride
    let bytes = max(64, elements.count * stride)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    // The allocation has room for all elements, and cache lines are aligned for any of them.
    let table = unsafe memory.bindMemory(to: Element.self, capacity: bytes / stride)
    for (place, element) in elements.enumerated() { unsafe table[place] = element }
    unsafe tables.append(memory)
    byteCount += bytes
    return unsafe UnsafePointer(table)
  }

  deinit {
    // Each was allocated in keep(_:), and nobody keeps a view longer than the owner.
    unsafe tables.forEach { unsafe $0.deallocate() }
  }
}
