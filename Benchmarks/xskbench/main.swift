import CXsk
import Forwarder
import Glibc
import XSKEngine
import XSKLab

let dut = try NetworkNamespace("dut")
let left = try NetworkNamespace("left")
let right = try NetworkNamespace("right")
let mode = CommandLine.arguments[1]
let a = try VethPair(VethEnd("l0", in: left, addresses: ["10.9.0.1/24"], gro: true), VethEnd("a0", in: dut))
let b = try VethPair(VethEnd("r0", in: right, addresses: ["10.9.0.2/24"], gro: true), VethEnd("b0", in: dut))
var cfg = EngineConfiguration(ports: mode == "drop" ? [PortConfiguration("a0")] : [PortConfiguration("a0"), PortConfiguration("b0")])
cfg.cores = [1]
cfg.worker.idle = IdlePolicy(rawValue: CommandLine.arguments[2])!
if CommandLine.arguments.count > 3 { cfg.worker.fillLevel = Int(CommandLine.arguments[3])! }
if CommandLine.arguments.count > 4 { cfg.worker.kickThreshold = Int(CommandLine.arguments[4])! }
let engine = try dut.run { mode == "drop" ? try Engine.start(cfg) { _ in DropHandler() } : try Engine.start(cfg) { _ in ForwardHandler() } }
print(engine.messages)
if mode == "ping" {
  print(try Ping.run(from: left, to: "10.9.0.2"))
  print(try TCPTransfer.run(from: left, to: right, address: "10.9.0.2", bytes: 200 << 20))
} else {
  let t = try FrameTemplate(from: a.left, to: b.left)
  let g = try LiveFrameGenerator(in: left, device: "l0", .init(frame: try t.frame(size: 64), duration: .seconds(4), cpu: 0))
  print(try g.wait())
  print("rate", try g.wait().rate)
}
usleep(200000)
print(try a.right.counters(), try b.left.counters())
print(engine.stop().text)
print(engine.messages)
