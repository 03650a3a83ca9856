import Testing

@testable import XSKEngine

@Suite("The doctor on this machine, with a veth in a namespace of its own (root)")
struct DoctorVethTests {
  private static func status(_ findings: [Finding], _ check: String) -> Finding.Status? {
    findings.first { $0.check == check }?.status
  }

  @Test func `this machine can make sockets, maps and programs`() {
    let findings = Doctor.examine()
    for check in ["kernel", "AF_XDP", "capabilities", "BPF load", "locked memory", "multi-buffer", "libbpf", "libxdp"] {
      #expect(Self.status(findings, check) == .ok, "\(check)")
    }
    #expect(findings.first { $0.check == "libxdp" }?.detail.contains("unknown") == false)
    #expect(!findings.contains { $0.check == "driver" })
  }

  @Test func `a veth works in copy mode, its peer's offloads are found, and the remedy heals them`() throws {
    let (before, after, device, deviceAfter) = try DeviceLab.run {
      try DeviceLab.vethPair()
      let device = try NetworkDevice(named: "xa")
      let before = Doctor.examine(device: "xa")
      let deviceAfter = try NetworkDevice(named: "xa")
      let remedy = before.first { $0.check == "peer offloads" }?.remedy ?? ""
      try DeviceLab.command("sh", "-c", remedy)
      return (before, Doctor.examine(device: "xa"), device, deviceAfter)
    }
    let mode = before.first { $0.check == "mode" }
    #expect(mode?.status == .limited && mode?.detail == "copy: driver veth has no zero-copy")
    for check in ["link", "queues", "sockets", "MTU", "XDP program", "offloads", "NUMA", "driver"] {
      #expect(Self.status(before, check) == .ok, "\(check)")
    }
    #expect(Self.status(before, "peer offloads") == .limited)
    #expect(Self.status(after, "peer offloads") == .ok)
    #expect(device == deviceAfter, "the examination changed the device")
    #expect(DoctorReport(device: "xa", findings: after).exitStatus == 1)
  }

  @Test func `start-up accepts a good device and refuses wrong use in one sentence`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      let device = try Preflight.check(Requirements(device: "xa", queues: [0]))
      #expect(device?.name == "xa")
      for (requirements, sentence) in [
        (Requirements(device: "eth9"), "eth9: no such interface; choose one of lo, xa, xb"),
        (Requirements(device: "xa", queues: [1]), "xa queue 1: out of range (it has queue 0); choose queue 0"),
        (
          Requirements(device: "xa", mode: .zerocopy),
          "xa mode zerocopy: not possible: driver veth has no zero-copy; choose --mode auto, which takes copy"
        ),
      ] {
        let error = #expect(throws: XSKError.self) { try Preflight.check(requirements) }
        #expect(error?.description == sentence)
      }
    }
  }

  @Test func `loopback has no native XDP`() throws {
    let findings = try DeviceLab.run { Doctor.examine(device: "lo") }
    let mode = findings.first { $0.check == "mode" }
    #expect(mode?.detail.hasPrefix("generic: ") == true, "\(mode?.detail ?? "no mode")")
  }

  @Test func `an unknown device is a failed finding beside the machine's`() throws {
    let findings = try DeviceLab.run { Doctor.examine(device: "eth9") }
    let last = try #require(findings.last)
    #expect(last == Finding("device", of: "eth9", .failed, "no such interface", remedy: "choose one of lo"))
    #expect(Self.status(findings, "AF_XDP") == .ok)
    #expect(DoctorReport(findings: findings).exitStatus == 2)
  }
}
