import Glibc

/// What the doctor thinks of the kernel and its libraries.
struct HostChecks {
  let host: HostFacts

  var findings: [Finding] { [kernel, socket, multiBuffer, transmitBudget, busyPoll] + libraries + [jit, fileSystem] }

  /// 5.18: the engine's XDP program declares fragments.
  private var kernel: Finding {
    let subject = "kernel \(host.kernelRelease)"
    guard host.isKernel(atLeast: 5, 18) else {
      return Finding(
        "kernel", of: subject, .failed, "\(host.kernelRelease) is too old: 5.18 or later is needed",
        remedy: "boot a newer kernel (Debian: apt-get install linux-image-amd64)")
    }
    return Finding("kernel", of: subject, .ok, host.kernelRelease)
  }

  var socket: Finding {
    let subject = "AF_XDP socket"
    switch host.socket.code {
    case 0: return Finding("AF_XDP", of: subject, .ok, "sockets can be made")
    case EAFNOSUPPORT:
      return Finding(
        "AF_XDP", of: subject, .failed, "this kernel has none", remedy: "use a kernel built with CONFIG_XDP_SOCKETS=y")
    case EPERM, EACCES:
      return Finding(
        "AF_XDP", of: subject, .failed, "not permitted", remedy: PrivilegeChecks.grant(to: host.executable))
    default:
      return Finding(
        "AF_XDP", of: subject, .failed, "cannot be made: \(errorName(host.socket.code))",
        remedy: "ulimit -n 65536")
    }
  }

  private var multiBuffer: Finding {
    feature(
      "multi-buffer", has: host.socket.hasMultiBuffer, "packets may span several frames",
      otherwise: "packets larger than a frame are dropped (XDP_USE_SG needs 6.6)",
      remedy: "boot kernel 6.6 or later, or keep the MTU below the frame size")
  }

  private var transmitBudget: Finding {
    feature(
      "TX budget", has: host.socket.hasTransmitBudget, "one system call transmits a whole ring in copy mode",
      otherwise: "one system call transmits 32 packets in copy mode (XDP_MAX_TX_SKB_BUDGET needs 6.17)",
      remedy: "boot kernel 6.17 or later")
  }

  private var busyPoll: Finding {
    feature(
      "busy poll", has: host.socket.busyPollCode == 0, "socket options accepted",
      otherwise: "refused: \(errorName(host.socket.busyPollCode))",
      remedy: host.socket.busyPollCode == EPERM
        ? PrivilegeChecks.grant(to: host.executable) : "boot kernel 5.11 or later with CONFIG_NET_RX_BUSY_POLL=y")
  }

  /// A feature that the engine can do without. Where no socket could be made, nothing is known about it.
  private func feature(_ check: String, has: Bool, _ detail: String, otherwise: String, remedy: String) -> Finding {
    let subject = "kernel \(host.kernelRelease)"
    guard host.socket.code == 0 else {
      return Finding(check, of: subject, .limited, "unknown: no AF_XDP socket to try it on", remedy: socket.remedy)
    }
    guard has else { return Finding(check, of: subject, .limited, otherwise, remedy: remedy) }
    return Finding(check, of: subject, .ok, detail)
  }

  private var libraries: [Finding] {
    [
      Finding("headers", of: "kernel headers", .ok, "built with \(host.headersVersion)"),
      Finding("libbpf", of: "libbpf", .ok, host.libbpfVersion),
      Finding("libxdp", of: "libxdp", .ok, host.libxdpVersion ?? "loaded, version unknown"),
    ]
  }

  private var jit: Finding {
    switch host.bpfJIT {
    case 0:
      Finding(
        "BPF JIT", of: "BPF JIT", .limited, "off: XDP programs are interpreted",
        remedy: "sysctl -w net.core.bpf_jit_enable=1")
    case nil: Finding("BPF JIT", of: "BPF JIT", .ok, "not visible in this network namespace")
    default: Finding("BPF JIT", of: "BPF JIT", .ok, "on")
    }
  }

  private var fileSystem: Finding {
    guard host.hasBPFFileSystem else {
      return Finding(
        "bpffs", of: "/sys/fs/bpf", .limited, "not mounted: a device cannot be shared with other XDP programs",
        remedy: "mount -t bpf bpf /sys/fs/bpf")
    }
    return Finding("bpffs", of: "/sys/fs/bpf", .ok, "mounted on /sys/fs/bpf")
  }
}
