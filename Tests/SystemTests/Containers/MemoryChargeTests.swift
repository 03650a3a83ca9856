import Foundation
import Glibc
import Testing
import XSKLab

extension OnVeth {
  @Suite struct MemoryChargeTests {
    @Test func `a tenant's memory is charged to its own group, and not to the daemon's`() throws {
      let (daemons, tenants) = (try MemoryGroup("daemon"), try MemoryGroup("tenant"))
      let lab = try TenantLab()
      let server = try lab.serve()
      try daemons.add(server.process.pid)
      let guest = lab.guests[0]
      let command = [BuiltPrograms.xskfwd, "drop", "--attach", guest.path, "--duration", "60"]
      let gate = "/tmp/xsk-gate-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      defer { try? FileManager.default.removeItem(atPath: gate) }
      // Groups can't be seen in there: it waits outside until it has been put into its own.
      let tenant = try guest.start(
        command, through: ["sh", "-c", "until [ -e $0 ]; do sleep 0.02; done; exec \"$@\"", gate])
      try tenants.add(tenant.pid)
      try Data().write(to: URL(filePath: gate))
      // "…: queue 0 handed over, 6210 frames of 2048 bytes"
      let log = "handed over, "
      _ = eventually { server.process.output.contains(log) }
      let words = server.process.output.components(separatedBy: log).last?.split(separator: " ") ?? []
      let bytes = try #require(
        words.count > 3 ? Int(words[0]).flatMap { frames in Int(words[3]).map { $0 * frames } } : nil)
      let isCharged = try eventually { try tenants.shared() >= bytes }
      let charged = try tenants.shared()
      #expect(isCharged, "\(charged) of \(bytes) bytes; \(tenant.output) \(tenant.errors)")
      #expect(tenant.isRunning, "\(tenant.errors)")
      #expect(try tenants.shared() < bytes + 1 << 20)
      #expect(try daemons.shared() < 256 << 10)
      // And it is gone with the tenant's process: nobody else holds it.
      tenant.kill()
      let isFreed = try eventually { try tenants.shared() < 256 << 10 }
      let left = try tenants.shared()
      #expect(isFreed, "\(left) bytes are left")
      #expect(try daemons.shared() < 256 << 10)
      #expect(server.process.isRunning)
    }
  }
}

/// A control group of its own in the kernel's memory controller, of version 1 or 2. It goes with this value, once it is empty.
private final class MemoryGroup {
  private let directory: String

  init(_ name: String) throws {
    let root = try #require(Self.controller(), "no memory controller is mounted: mount -t cgroup2 none /sys/fs/cgroup")
    directory = "\(root)/xsk-test-\(getpid())-\(UInt32.random(in: 0 ... .max))-\(name)"
    // The path is a C string for the call.
    try #require(unsafe mkdir(directory, 0o755) == 0, "\(directory): errno \(errno)")
  }

  deinit {
    // Processes that were killed leave it a moment later.
    _ = eventually { unsafe rmdir(directory) == 0 }
  }

  func add(_ process: Int32) throws {
    try "\(process)".write(toFile: "\(directory)/cgroup.procs", atomically: false, encoding: .utf8)
  }

  /// Bytes of memory files that are charged to it.
  func shared() throws -> Int {
    let text = try String(contentsOfFile: "\(directory)/memory.stat", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("shmem ") }
    return try #require(line?.split(separator: " ").last.flatMap { Int($0) }, "\(text)")
  }

  /// Where the memory controller's groups are made.
  private static func controller() -> String? {
    let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
    for line in mounts.split(separator: "\n") {
      let halves = line.components(separatedBy: " - ")
      let (fields, rest) = (halves[0].split(separator: " "), halves.last?.split(separator: " ") ?? [])
      guard fields.count > 4, rest.count > 2 else { continue }
      let place = String(fields[4])
      if rest[0] == "cgroup", rest[2].split(separator: ",").contains("memory") { return place }
      let controllers = (try? String(contentsOfFile: "\(place)/cgroup.controllers", encoding: .utf8)) ?? ""
      guard rest[0] == "cgroup2", controllers.split(whereSeparator: \.isWhitespace).contains("memory") else { continue }
      try? "+memory".write(toFile: "\(place)/cgroup.subtree_control", atomically: false, encoding: .utf8)
      return place
    }
    return nil
  }
}
