import Foundation
import Testing
import XSKEngine
import XSKLab

@Suite("A network namespace")
struct NetworkNamespaceTests {
  @Test("has a cookie of its own and loopback up, and nothing else")
  func isolation() throws {
    let one = try NetworkNamespace("one"), two = try NetworkNamespace("two")
    #expect(one.cookie != 0)
    #expect(one.cookie != two.cookie)
    let links = try one.links()
    #expect(links.map(\.name) == ["lo"])
    #expect(links[0].isUp)
  }

  @Test("shows its own devices under /sys/class/net")
  func sysfs() throws {
    let lab = try TwoNamespaces()
    #expect(lab.left.hasOwnSysfs)
    let names = try lab.left.run { try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net") }
    #expect(Set(names) == ["lo", "l0"])
  }

  @Test("hands back what a closure returns and throws what it throws")
  func results() throws {
    struct Odd: Error {}
    let namespace = try NetworkNamespace("results")
    #expect(try namespace.run { 6 * 7 } == 42)
    #expect(throws: Odd.self) { try namespace.run { throw Odd() } }
  }

  @Test("leaves the working folder of a closure as it was")
  func folder() throws {
    let namespace = try NetworkNamespace("folder")
    let here = FileManager.default.currentDirectoryPath
    #expect(try namespace.run { FileManager.default.currentDirectoryPath } == here)
  }

  @Test("refuses work once closed, and may be closed twice")
  func closed() throws {
    let namespace = try NetworkNamespace("closed")
    namespace.close()
    namespace.close()
    #expect(throws: XSKError.self) { try namespace.links() }
    #expect(throws: XSKError.self) { try namespace.start(["true"]) }
  }

  @Test("disappears with its devices when closed, and leaves this process's own namespace alone")
  func disappears() throws {
    let host = { try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted() }
    let before = try host()
    let lab = try TwoNamespaces()
    #expect(try lab.left.links().count == 2)
    let child = try lab.right.start(["sleep", "60"])
    lab.right.close()
    #expect(!child.isRunning)
    // The kernel dismantles a namespace a little later, and the far end of each cable with it.
    let deadline = ContinuousClock.now + .seconds(10)
    while try lab.left.links().count > 1, ContinuousClock.now < deadline { usleep(10_000) }
    #expect(try lab.left.links().map(\.name) == ["lo"])
    #expect(try host() == before)
  }
}
