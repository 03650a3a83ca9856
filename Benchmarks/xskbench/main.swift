import CXsk
import Forwarder
import XSKEngine

func bench<H: PacketHandler>(_ name: String, _ h: H, tx: Bool) throws {
  let umem = try UMEM(UMEMConfiguration(frames: 1024))
  let dev = try SimulatedDevice(rings: RingSizes(receive: 128, transmit: 128, fill: 128, completion: 128))
  let page = CounterPage()
  var w = Worker(try WorkerParts(simulated: [dev], umem: umem, counters: page, configuration: WorkerConfiguration(batch: 64, idle: .spin, fillLevel: 128)), handler: h)
  var nic = SimulatedNIC(dev, umem: umem, needsWakeup: false)
  w.turn()
  var best = Double.infinity, tot = 0.0, n = 0
  for rep in 0..<20 {
    var sum: UInt64 = 0, pk = 0
    for _ in 0..<10000 {
      nic.receive(count: 128, length: 60)
      let t = cxsk_timestamp_ordered()
      for _ in 0..<2 { pk += w.turn() }
      sum += cxsk_timestamp_ordered() - t
      if tx { nic.completeAll() }
    }
    let c = Double(sum) / Double(pk)
    best = min(best, c); tot += c; n += 1
    _ = rep
  }
  print(name, "best", best, "mean", tot / Double(n))
}
try bench("drop", DropHandler(), tx: false)
try bench("reflect", ReflectHandler(), tx: true)
