import Foundation
import Testing

@testable import XSKEngine

@Suite("The doctor's report")
struct DoctorReportTests {
  static let ok = Finding("kernel", of: "kernel 6.18", .ok, "6.18.44")
  static let limited = Finding("bpffs", of: "/sys/fs/bpf", .limited, "not mounted", remedy: "mount it")
  static let failed = Finding("queues", of: "eth0 queue 9", .failed, "out of range", remedy: "choose queue 0")

  static let outcomes: [([Finding], Int32)] = [
    ([], 0), ([ok], 0), ([ok, limited], 1), ([failed, ok, limited], 2), ([limited, limited, ok], 1),
  ]

  @Test(arguments: outcomes)
  func `the exit status is that of the worst finding`(findings: [Finding], status: Int32) {
    #expect(DoctorReport(findings: findings).exitStatus == status)
  }

  @Test func `text is an aligned table with remedies below and a summary at the end`() {
    let report = DoctorReport(device: "eth0", findings: [Self.ok, Self.limited, Self.failed])
    #expect(
      report.text() == """
        ok       kernel  6.18.44
        limited  bpffs   not mounted
                         → mount it
        failed   queues  eth0 queue 9: out of range
                         → choose queue 0
        eth0: won't work (1 failed, 1 limited)

        """)
  }

  @Test func `colours wrap the marks and move nothing`() {
    let report = DoctorReport(findings: [Self.ok, Self.failed])
    let stripped = report.text(colour: true).replacing(/\u{1B}\[[0-9]+m/, with: "")
    #expect(stripped == report.text())
    #expect(report.text(colour: true).hasPrefix("\u{1B}[32mok     \u{1B}[0m  kernel"))
    #expect(report.summary == "AF_XDP: won't work (1 failed, 0 limited)")
  }

  @Test func `JSON carries every field and comes back the same`() throws {
    let report = DoctorReport(device: "eth0", findings: [Self.ok, Self.limited])
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(DoctorReport.self, from: data) == report)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["exit_status"] as? Int == 1)
    let findings = try #require(object["findings"] as? [[String: String]])
    #expect(
      findings[1] == [
        "check": "bpffs", "subject": "/sys/fs/bpf", "status": "limited", "detail": "not mounted", "remedy": "mount it",
      ])
  }
}
