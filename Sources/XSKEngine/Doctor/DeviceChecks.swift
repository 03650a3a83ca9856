/// What the doctor thinks of a device.
struct DeviceChecks {
  let device: NetworkDevice
  let host: HostFacts
  let requirements: Requirements

  var findings: [Finding] {
    [driver, link, queues, sockets, features, hints, mode, mtu, program].compactMap { $0 }
      + OffloadChecks(device: device).findings
      + [PlacementChecks(host: host, requirements: requirements).node(of: device)]
  }

  private var driver: Finding {
    var parts = [device.driver.isEmpty ? "driver unknown" : device.driver]
    if let bus = device.busAddress { parts.append("at \(bus)") }
    if let rings = device.rings { parts.append("rings RX \(rings.receive) TX \(rings.transmit)") }
    return Finding("driver", of: device.name, .ok, parts.joined(separator: ", "))
  }

  private var link: Finding {
    if !device.isUp {
      return Finding(
        "link", of: device.name, .limited, "switched off", remedy: "ip link set dev \(device.name) up")
    }
    guard device.isRunning else {
      return Finding(
        "link", of: device.name, .limited, "no carrier",
        remedy: device.peer.map { "\($0.commandPrefix)ip link set dev \($0.name ?? "PEER") up" }
          ?? "check cable and far end: ethtool \(device.name)")
    }
    return Finding("link", of: device.name, .ok, "up")
  }

  var queues: Finding {
    if let error = requirements.queues?.lazy.compactMap({ device.queueError($0) }).first {
      return Finding("queues", of: error.subject, .failed, error.problem, remedy: error.remedy)
    }
    let counts = device.queues
    let added = device.receiveQueuesUnderXDP
    guard added == counts.receive || requirements.mode == .generic || requirements.queues != nil else {
      let error = device.addedQueues(added, from: counts.receive)
      return Finding("queues", of: device.name, .limited, error.problem, remedy: error.remedy)
    }
    return Finding("queues", of: device.name, .ok, "RX \(counts.receive), TX \(counts.transmit)")
  }

  /// Not for start-up: the kernel releases a closed socket's queue some time later, so that has to wait and try.
  private var sockets: Finding? {
    guard let bound = device.boundQueues else { return nil }
    let wanted = requirements.queues ?? Array(0..<device.queues.receive)
    guard let queue = wanted.first(where: { bound.contains($0) }) else {
      return Finding("sockets", of: device.name, .ok, "no queue is taken")
    }
    return Finding(
      "sockets", of: "\(device.name) queue \(queue)", .failed, "busy (another socket is bound to queue \(queue))",
      remedy: "stop it or choose another queue")
  }

  private var features: Finding {
    guard let xdp = device.xdp else {
      return Finding("XDP features", of: device.name, .ok, "kernels before 6.3 cannot tell")
    }
    let names = xdp.features.names
    return Finding("XDP features", of: device.name, .ok, names.isEmpty ? "none" : names.joined(separator: " "))
  }

  /// What metadata can be had of a packet beyond what stands in it.
  private var hints: Finding? {
    guard let names = device.xdp?.receiveMetadata.names else { return nil }
    return Finding(
      "RX metadata", of: device.name, .ok, names.isEmpty ? "none from the driver" : names.joined(separator: " "))
  }

  var mode: Finding {
    let outlook = ModeOutlook(device, requirements)
    guard let mode = outlook.mode else {
      return Finding("mode", of: device.name, .limited, outlook.reason ?? "unknown", remedy: "boot kernel 6.3 or later")
    }
    let because = outlook.reason.map { ": \($0)" } ?? ""
    let isPossible =
      switch requirements.mode {
      case .auto, .generic: true
      case .copy: mode != .generic
      case .zerocopy: mode == .zerocopy
      }
    guard isPossible else {
      return Finding(
        "mode", of: "\(device.name) mode \(requirements.mode.rawValue)", .failed, "not possible\(because)",
        remedy: outlook.remedy ?? "choose --mode auto, which takes \(mode.rawValue)")
    }
    guard mode != .zerocopy, requirements.mode == .auto else {
      let taken = requirements.mode == .auto ? mode.rawValue : requirements.mode.rawValue
      return Finding("mode", of: device.name, .ok, taken)
    }
    return Finding(
      "mode", of: device.name, .limited, "\(mode.rawValue)\(because)",
      remedy: outlook.remedy ?? "use a device whose driver has \(mode == .copy ? "AF_XDP zero-copy" : "native XDP")")
  }

  /// Ethernet header and one VLAN tag are not in the MTU.
  private var mtu: Finding {
    let frame = device.mtu + 18
    let room = requirements.largestFrame
    guard frame > room else { return Finding("MTU", of: device.name, .ok, "\(device.mtu)") }
    guard host.socket.hasMultiBuffer else {
      let chunk = requirements.chunkSize == 2048 && frame <= room + 2048 ? ", or use --chunk 4096" : ""
      return Finding(
        "MTU", of: device.name, .limited, "\(device.mtu): packets over \(room - 18) bytes are dropped by this kernel",
        remedy: "ip link set dev \(device.name) mtu \(room - 18)\(chunk)")
    }
    return Finding("MTU", of: device.name, .ok, "\(device.mtu): packets over \(room - 18) bytes span several frames")
  }

  private var program: Finding {
    guard let program = device.program else { return Finding("XDP program", of: device.name, .ok, "none attached") }
    let name = program.name.map { " \"\($0)\"" } ?? ""
    let what = "program \(program.id)\(name) is attached (\(program.place.rawValue))"
    if program.isDispatcher && host.hasBPFFileSystem {
      return Finding("XDP program", of: device.name, .ok, "\(what), and others can join it")
    }
    return Finding(
      "XDP program", of: device.name, .failed, what, remedy: program.removal(from: device.name))
  }
}
