import Foundation
import Glibc
import Operations
import Testing
import XSKEngine
import XSKLab

@testable import ContainerDataplane

/// With an xskfwd in the dataplane's place: an engine with a control socket, which ends by itself should a test not end it.
@Suite struct DataplaneWatchTests {
  private final class Lab {
    let node: DaemonLab
    let cable: VethPair
    private(set) var pids: Set<Int32> = []

    init() throws {
      node = try DaemonLab()
      let far = try NetworkNamespace("far")
      cable = try VethPair(VethEnd("near0", in: node.host), VethEnd("far0", in: far))
    }

    var command: DataplaneLaunch {
      DataplaneLaunch(
        path: BuiltPrograms.xskfwd,
        arguments: ["drop", "near0", "--control", node.places.dataplaneControl, "--duration", "60", "--json"])
    }

    func watch(_ command: DataplaneLaunch?) throws -> DataplaneWatch {
      let watch = DataplaneWatch(command, control: node.places.dataplaneControl) { _ in }
      try node.host.run { try watch.start() }
      return watch
    }

    /// The process, once it runs and is another than `old`.
    func pid(_ watch: DataplaneWatch, after old: Int32? = nil) throws -> Int32 {
      let runs = eventually { watch.status.state == .running && watch.status.pid != old }
      #expect(runs, "\(watch.status)")
      let pid = try #require(watch.status.pid)
      pids.insert(pid)
      return pid
    }

    deinit {
      for pid in pids {
        // Only what is ours: numbers may have been given to others.
        let command = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        if command?.contains(node.directory) == true { Glibc.kill(pid, SIGKILL) }
        // Children of this process, whoever watched them last: exit tests wait for any child, and would find a zombie forever.
        _ = eventually { waitpid(pid, nil, WNOHANG) != 0 }
      }
    }
  }

  @Test func `a dataplane that dies is started again`() throws {
    let lab = try Lab()
    let watch = try lab.watch(lab.command)
    let first = try lab.pid(watch)
    #expect(Glibc.kill(first, SIGKILL) == 0)
    let second = try lab.pid(watch, after: first)
    #expect(watch.status.restarts == 1)
    watch.stop()
    #expect(Glibc.kill(second, 0) == 0, "it outlives its watch")
  }

  @Test func `a new watch finds the dataplane that the last one started`() throws {
    let lab = try Lab()
    let first = try lab.watch(lab.command)
    let pid = try lab.pid(first)
    first.stop()
    let next = try lab.watch(lab.command)
    #expect(try lab.pid(next) == pid)
    // It isn't the child of this watch, and its end is seen all the same.
    #expect(Glibc.kill(pid, SIGKILL) == 0)
    #expect(try lab.pid(next, after: pid) != pid)
    next.stop()
  }

  @Test func `a dataplane of somebody else's is found, and never started`() throws {
    let lab = try Lab()
    let watch = try lab.watch(nil)
    #expect(eventually { watch.status.state == .stopped })
    let starter = try lab.watch(lab.command)
    let pid = try lab.pid(starter)
    #expect(try lab.pid(watch) == pid)
    starter.stop()
    #expect(Glibc.kill(pid, SIGKILL) == 0)
    #expect(eventually { watch.status.state == .stopped })
    watch.stop()
  }

  @Test func `a program that can't be started is told, and tried again`() throws {
    let lab = try Lab()
    let watch = try lab.watch(DataplaneLaunch(path: "/nowhere/xskd", arguments: []))
    #expect(eventually { watch.status.problem?.contains("/nowhere/xskd") == true })
    #expect(watch.status.state == .stopped)
    watch.stop()
  }
}
