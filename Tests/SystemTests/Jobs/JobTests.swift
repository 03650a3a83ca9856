import Foundation
import Testing
import XSKLab

extension OnVeth {
  /// docs/jobs.md, as somebody follows it who copies and pastes.
  @Suite("Jobs of the documentation") struct Jobs {
    @Test(arguments: ["scrubber", "router", "bump"])
    func `a job does what the document says, and leaves nothing behind`(name: String) throws {
      let job = try JobDocument(name)
      try #require(job.steps.count >= 5)
      let machine = try NetworkNamespace("jobs")
      let folder = URL(fileURLWithPath: BuiltPrograms.xskfwd).deletingLastPathComponent().path
      let script = job.script(programs: folder, package: BuiltPrograms.package.path)
      // A PID namespace: whatever the script leaves running ends with it.
      let words = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script]
      let place = ["env", "PATH=\(Self.path)"]
      let result = try machine.run(place + words, timeout: .seconds(100))
      #expect(result.succeeded, "\(result.output)\n\(result.errors)")
      job.check(result.output)
      #expect(result.output.contains("/run/netns:\n\n/run/xskfwd:\n\n/tmp:\n=== end"), "something was left behind")
    }

    static let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
  }
}
