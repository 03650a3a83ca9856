import Glibc

/// What the doctor thinks of this process's privileges and limits.
struct PrivilegeChecks {
  let host: HostFacts
  let requirements: Requirements

  var findings: [Finding] { [capabilities, load, lockedMemory, hugePages] }

  /// The command that lets a program use AF_XDP without root.
  static func grant(to executable: String) -> String {
    "sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock+ep \(executable)"
  }

  var capabilities: Finding {
    let needs: [(Capability, String)] = [
      (.netRaw, "to make AF_XDP sockets"), (.netAdmin, "to attach an XDP program"), (.bpf, "to load an XDP program"),
    ]
    let missing = needs.filter { capability, _ in
      // CAP_SYS_ADMIN includes what CAP_BPF was split from.
      !host.capabilities.contains(capability) && !(capability == .bpf && host.capabilities.contains(.sysAdmin))
    }
    guard missing.isEmpty else {
      return Finding(
        "capabilities", of: "this process", .failed,
        "lacks " + missing.map { "\($0.0.name) (\($0.1))" }.joined(separator: ", "),
        remedy: Self.grant(to: host.executable))
    }
    guard host.capabilities.contains(.perfmon) || host.capabilities.contains(.sysAdmin) else {
      return Finding(
        "capabilities", of: "this process", .limited,
        "lacks CAP_PERFMON (to load an XDP program that looks into packets: punt, metadata, verdict offload)",
        remedy: Self.grant(to: host.executable))
    }
    let held = Capability.allCases.filter { host.capabilities.contains($0) }.map(\.name).joined(separator: " ")
    return Finding("capabilities", of: "this process", .ok, held)
  }

  /// A trial, because capabilities are not the whole answer: namespaces, security modules and seccomp have a say.
  var load: Finding {
    let refused = host.loadCode != 0 ? ("XDP program", host.loadCode) : ("XSKMAP", host.mapCode)
    guard refused.1 != 0 else {
      return Finding("BPF load", of: "BPF", .ok, "XDP programs and XSKMAPs can be made")
    }
    let remedy =
      if capabilities.status == .failed {
        Self.grant(to: host.executable)
      } else if refused.1 == -EINVAL {
        "boot kernel 5.18 or later"
      } else {
        "ask outside any container, and read: cat /sys/kernel/security/lockdown"
      }
    return Finding(
      "BPF load", of: "BPF", .failed, "the kernel refuses an \(refused.0): \(errorName(-refused.1))", remedy: remedy)
  }

  /// UMEM pages count against RLIMIT_MEMLOCK, except for CAP_IPC_LOCK.
  var lockedMemory: Finding {
    let check = "locked memory"
    if host.capabilities.contains(.ipcLock) {
      return Finding(check, of: "this process", .ok, "not limited (CAP_IPC_LOCK)")
    }
    guard let limit = host.lockedMemoryLimit else { return Finding(check, of: "this process", .ok, "unlimited") }
    let need = requirements.umemBytes
    guard limit >= need else {
      return Finding(
        check, of: "this process", .failed,
        "may lock \(kibibytes(limit)) of memory, and the UMEM is \(kibibytes(need))",
        remedy: "sudo prlimit --pid $$ --memlock=unlimited")
    }
    return Finding(check, of: "this process", .ok, "limit \(kibibytes(limit)), UMEM \(kibibytes(need))")
  }

  var hugePages: Finding {
    let needed = (requirements.umemBytes + (1 << 21) - 1) >> 21
    let pool = host.hugePages2M
    let detail =
      "2 MiB: \(pool.free) of \(pool.total) free, 1 GiB: \(host.hugePages1G.free) of \(host.hugePages1G.total) free"
    guard pool.free >= needed || host.hugePages1G.free > 0 else {
      return Finding(
        "huge pages", of: "huge pages", .limited, "\(detail); the UMEM uses plain pages",
        remedy: "sysctl -w vm.nr_hugepages=\(pool.total - pool.free + needed)")
    }
    return Finding("huge pages", of: "huge pages", .ok, detail)
  }

  private func kibibytes(_ bytes: Int) -> String { "\(bytes >> 10) KiB" }
}
