import CXsk
import ContainerDataplane
import Glibc
import XSKEngine

/// `xsk-test-tenants serve STATE BPF-DIRECTORY DIRECTORY`: serves the tenants of a state file, each in DIRECTORY/ID, until it
/// is killed, or for two minutes at most. Lines on standard output: `serving ID resumed|new MODE`, then `running`; whatever an
/// endpoint says; `denied COUNT` when that has changed; and each 50 ms `memory KIB descriptors COUNT`.
///
/// `xsk-test-tenants ask PATH MESSAGE…`: says each message on one connection, and writes what is answered, `!` and the number of
/// descriptors behind it; `(closed)` at the end of the connection.
///
/// `xsk-test-tenants lend PATH KIND MESSAGE`: says a message with a descriptor of some kind, and writes what is answered.
///
/// `xsk-test-tenants steps PATH STEP…`: a tenant's process that goes its own way; see `Steps`.
///
/// `xsk-test-tenants hostile PATH`: a tenant that means harm; see `Hostile`.
@main
struct TenantHost {
  static func main() {
    let words = Array(CommandLine.arguments.dropFirst())
    signal(SIGPIPE, SIG_IGN)
    do throws(XSKError) {
      switch (words.first, words.count) {
      case ("serve", 4): try serve(words[1], bpf: words[2], directory: words[3])
      case ("ask", 3...): try ask(words[1], Array(words.dropFirst(2)))
      case ("lend", 4): try lend(words[1], words[2], words[3])
      case ("steps", 3...): try Steps(path: words[1]).run(Array(words.dropFirst(2)))
      case ("hostile", 2): try Hostile(path: words[1]).run()
      default: throw XSKError("usage", "serve, ask, lend, steps or hostile", remedy: "see the source")
      }
    } catch {
      write("\(error)")
      exit(1)
    }
  }

  /// Unbuffered: the tests wait for the line.
  static func write(_ line: String) {
    let text = line + "\n"
    // write(2) reads exactly the text's bytes.
    _ = unsafe Glibc.write(STDOUT_FILENO, text, text.utf8.count)
  }

  private static func serve(_ state: String, bpf: String, directory: String) throws(XSKError) {
    var endpoints: [TenantEndpoint] = []
    for tenant in try NodeState.read(state).tenants {
      let endpoint = try TenantEndpoint(
        tenant, bpfDirectory: bpf, socketDirectory: "\(directory)/\(tenant.id)", log: { write($0) })
      try endpoint.serve()
      write("serving \(tenant.id) \(endpoint.isResumed ? "resumed" : "new") \(endpoint.mode.rawValue)")
      endpoints.append(endpoint)
    }
    write("running")
    var denied: UInt64 = 0
    for _ in 0..<2400 {
      usleep(50_000)
      let now = endpoints.reduce(0) { $0 + $1.counts.denied }
      if now != denied { write("denied \(now)") }
      denied = now
      let entries = DirectoryCount.entries("/proc/self/fd")
      write("memory \(residentKiB) descriptors \(entries)")
    }
  }

  /// VmRSS.
  private static var residentKiB: Int {
    let file = unsafe fopen("/proc/self/statm", "r")
    guard let file = unsafe file else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    // Safe: at most the buffer's size is written, with a zero at its end.
    guard unsafe fgets(&line, 256, file) != nil else { return 0 }
    let text = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
  }

  private static func ask(_ path: String, _ messages: [String]) throws(XSKError) {
    let connection = unsafe cxsk_packet_connect(path, 5000)
    guard connection >= 0 else { throw XSKError(path, refused: "no connection", code: connection, remedy: "-") }
    for message in messages {
      let bytes = Array(message.utf8)
      // Safe: as many bytes as said.
      _ = unsafe cxsk_packet_send(connection, bytes, bytes.count, nil, 0)
      guard let answer = answer(connection) else { return write("(closed)") }
      write(answer)
    }
  }

  private static func lend(_ path: String, _ kind: String, _ message: String) throws(XSKError) {
    let umem = try UMEM(UMEMConfiguration(frames: 4096, pages: .sealedMemfd))
    let connection = unsafe cxsk_packet_connect(path, 5000)
    guard connection >= 0 else { throw XSKError(path, refused: "no connection", code: connection, remedy: "-") }
    let descriptor: CInt
    switch kind {
    case "good": descriptor = umem.memoryFile
    case "unsealed", "sparse":
      descriptor = unsafe cxsk_memfd_create("lent")
      _ = ftruncate(descriptor, 8 << 20)
      if kind == "sparse" { _ = cxsk_memfd_seal(descriptor) }
    case "none": descriptor = -1
    case "socket": descriptor = connection
    case "disk": descriptor = unsafe open(CommandLine.arguments[0], O_RDONLY)
    default: throw XSKError(kind, "no kind", remedy: "see the source")
    }
    let bytes = Array(message.utf8)
    // Safe: as many bytes and descriptors as said.
    _ = unsafe cxsk_packet_send(connection, bytes, bytes.count, [descriptor], descriptor < 0 ? 0 : 1)
    write(answer(connection) ?? "(closed)")
  }

  static func answer(_ connection: CInt) -> String? {
    var buffer = [UInt8](repeating: 0, count: 128)
    var descriptors: [CInt] = [-1, -1]
    var (count, whole): (CInt, CInt) = (0, 1)
    // Safe: at most the sizes given are written.
    let length = unsafe cxsk_packet_receive(connection, &buffer, buffer.count, &descriptors, 2, &count, &whole)
    for descriptor in descriptors.prefix(Int(count)) { close(descriptor) }
    // Closed with messages that nobody read: the peer is told of a reset.
    guard length > 0 else { return length == 0 || length == -Int(ECONNRESET) ? nil : "(silence)" }
    return String(decoding: buffer.prefix(length), as: UTF8.self) + (count > 0 ? " !\(count)" : "")
  }
}

enum DirectoryCount {
  static func entries(_ path: String) -> Int {
    guard let directory = unsafe opendir(path) else { return 0 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    return count
  }
}
