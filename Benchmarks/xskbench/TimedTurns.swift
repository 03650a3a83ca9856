import XSKEngine

/// Has a worker take turns until it has taken `count` packets: what every benchmark on simulated rings times, and where
/// callgrind counts instructions (`scripts/check-instructions`). Never inlined: in the machine code it goes by its name.
@inline(never)
func timedTurns<Handler: PacketHandler & ~Copyable>(_ worker: inout Worker<Handler>, taking count: Int) -> Int {
  var taken = 0
  while taken < count { taken += worker.turn() }
  return taken
}
