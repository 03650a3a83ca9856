import Glibc
import XSKEngine

// What a program in a container looks like: no privileges, one path. It answers ARP, pings and UDP datagrams.

guard CommandLine.arguments.count == 3, let seconds = UInt32(CommandLine.arguments[2]) else {
  print("usage: ContainerEcho PATH SECONDS")
  exit(2)
}
do {
  let path = CommandLine.arguments[1]
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
  sleep(seconds)
  for line in engine.messages { print(line) }
  let end = engine.stop()
  print("\(end?.total(.receivedPackets) ?? 0) packets received, \(end?.total(.transmittedPackets) ?? 0) answered")
} catch {
  print(error)
  exit(2)
}
