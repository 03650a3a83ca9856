import Foundation
import Testing
import XSKEngine
import XSKLab

@Suite("A command in a namespace")
struct ChildProcessTests {
  @Test("is in the namespace, and its output, errors and exit status are kept")
  func output() throws {
    let lab = try TwoNamespaces()
    let result = try lab.left.run(["sh", "-c", "ls /sys/class/net; echo wrong >&2; exit 3"])
    #expect(result.output == "l0\nlo\n")
    #expect(result.errors == "wrong\n")
    #expect(result.status == .exited(3))
    #expect(!result.succeeded)
  }

  @Test("that does not exist is named in the error")
  func missing() throws {
    let namespace = try NetworkNamespace("missing")
    let error = #expect(throws: XSKError.self) { try namespace.run(["no-such-program", "x"]) }
    #expect(error?.subject == "no-such-program")
    #expect(error?.problem == "no such program")
  }

  @Test("that does not end in time is killed")
  func timeout() throws {
    let namespace = try NetworkNamespace("timeout")
    let start = ContinuousClock.now
    #expect(throws: XSKError.self) { try namespace.run(["sleep", "60"], timeout: .milliseconds(200)) }
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test("can be watched, signalled and ended while it runs")
  func longLived() throws {
    let namespace = try NetworkNamespace("long")
    let child = try namespace.start([
      "sh", "-c", "trap 'echo bye; exit 7' INT; echo ready; while :; do sleep 0.05; done",
    ])
    #expect(child.waitForOutput("ready"))
    #expect(child.isRunning)
    #expect(try child.wait(timeout: .milliseconds(20)) == nil)
    child.signal(SIGINT)
    #expect(try child.wait() == .exited(7))
    #expect(child.output == "ready\nbye\n")
    #expect(try namespace.start(["sleep", "60"]).terminate() == .killed(signal: SIGTERM))
  }

  @Test("writes more than a pipe holds without anybody reading")
  func muchOutput() throws {
    let namespace = try NetworkNamespace("much")
    let result = try namespace.run(["head", "-c", "1000000", "/dev/zero"])
    #expect(result.succeeded)
    #expect(result.output.utf8.count == 1_000_000)
  }
}
