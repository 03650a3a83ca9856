import Glibc
import XSKEngine

// What a program in a container looks like: no privileges, one path. It answers ARP, pings and UDP datagrams.

let words = CommandLine.arguments.dropFirst()
guard let path = words.first, words.count <= 2, let seconds = Int(words.count == 2 ? words[2] : "\(Int32.max)") else {
  print("usage: ContainerEcho PATH [SECONDS]")
  exit(2)
}
// A container's first process gets no signal that it doesn't ask for. Threads that are started later have the same mask.
var ends = sigset_t()
unsafe sigemptyset(&ends)
for signal in [SIGINT, SIGTERM] { unsafe sigaddset(&ends, signal) }
unsafe pthread_sigmask(SIG_BLOCK, &ends, nil)
do {
  let interface = try Attachment(path: path).interface
  let address = interface.address.split(separator: ":").compactMap { UInt8($0, radix: 16) }
  // IPv4 only, to stay short: 10.1.0.5/32.
  let hosts = interface.addresses.map { $0.prefix { $0 != "/" }.split(separator: ".").compactMap { UInt8($0) } }
    .filter { $0.count == 4 }
  let engine = try Engine.start(EngineConfiguration(ports: [PortConfiguration(attachment: path)])) { _ in
    EchoHandler(address: address, hosts: hosts)
  }
  print("answering on \(interface.name), \(interface.addresses.joined(separator: " "))")
  fflush(nil)  // whatever reads the output sees it now
  var patience = timespec(tv_sec: seconds, tv_nsec: 0)
  unsafe sigtimedwait(&ends, nil, &patience)
  for line in engine.messages { print(line) }
  let end = engine.stop()
  print("\(end?.total(.receivedPackets) ?? 0) packets received, \(end?.total(.transmittedPackets) ?? 0) answered")
} catch {
  print(error)
  exit(2)
}
