import XSKEngine

let drop = CounterDescription(
  tool: "xskfwd", version: "1.2.3", command: "drop veth0",
  ports: [.init(name: "veth0", device: "veth0", ifindex: 7, mode: "copy", queues: [0], link: "up")],
  slots: [.init(worker: 0, cpu: 3, port: 0, queue: 0)])

let forward = CounterDescription(
  tool: "xskfwd", version: "1.2.3", command: "forward east west",
  ports: [
    .init(name: "east", device: "veth0", ifindex: 7, mode: "copy", queues: [0], link: "up"),
    .init(name: "west", device: "veth1", ifindex: 9, mode: "generic", queues: [2], link: "up"),
  ],
  slots: [.init(worker: 0, cpu: 3, port: 0, queue: 0), .init(worker: 1, cpu: -1, port: 1, queue: 2)])

/// A snapshot, `seconds` after 1970-01-02 00:00:00 UTC and after the start, on a machine of 10⁹ ticks a second.
func snapshot(
  _ description: CounterDescription, at seconds: Double, _ change: (inout CounterSnapshot) -> Void = { _ in }
) -> CounterSnapshot {
  let time = UInt64(seconds * 1e9)
  let day: UInt64 = 86_400_000_000_000
  let process = ProcessIdentity(pid: 4711, start: 1)
  var snapshot = CounterSnapshot(
    process: process, state: .running, startedUnix: day, startedMonotonic: 5_000, readUnix: day + time,
    readMonotonic: 5_000 + time, readTicks: 77 + time, description: description,
    workers: .init(repeating: .init(), count: 1 + description.slots.map(\.worker).max()!),
    slots: .init(repeating: .init(), count: description.slots.count))
  change(&snapshot)
  return snapshot
}
