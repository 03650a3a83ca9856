import Glibc
import XSKEngine

/// Decides a whole burst at once; the worker's loop is compiled for this very type.
struct DropAll: PacketHandler {
  mutating func handle(_ burst: inout Burst) { burst.decideAll(.drop(.policy)) }
}

guard CommandLine.arguments.count == 3, let seconds = UInt32(CommandLine.arguments[2]) else {
  print("usage: DropAll DEVICE SECONDS")
  exit(2)
}
do {
  let port = PortConfiguration(CommandLine.arguments[1], queues: [0])
  let engine = try Engine.start(EngineConfiguration(ports: [port])) { _ in DropAll() }
  sleep(seconds)
  print("\(engine.stop()?.total(.receivedPackets) ?? 0) packets dropped")
} catch {
  print(error)
  exit(2)
}
