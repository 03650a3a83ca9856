import CXsk

/// What keeps an XDP program on its device, as far as it can be seen from here: to say how it can be taken off.
struct ProgramHolder: Hashable, Sendable {
  /// The BPF link that it is attached by. `ip link` can't take such a program off.
  var link: UInt32
  /// A process that has the link open; nil: none in this PID namespace, or it may not be looked at.
  var process: Process?

  struct Process: Hashable, Sendable {
    let pid: Int32
    let name: String
  }

  init(link: UInt32, process: Process? = nil) {
    self.link = link
    self.process = process
  }

  /// Looks for the link of a program: in what processes have open, then among all links, for one that is pinned.
  ///
  /// - Parameter program: the kernel's id.
  /// - Returns: nil: it is attached without one, or that can't be told.
  init?(of program: UInt32) {
    for pid in SmallFile.names(in: "/proc").compactMap({ Int32($0) }).sorted() {
      let folder = "/proc/\(pid)/fdinfo"
      for file in SmallFile.names(in: folder) {
        guard let text = SmallFile.read("\(folder)/\(file)"), let link = Self.link(of: program, inInfo: text) else {
          continue
        }
        self.init(link: link, process: Process(pid: pid, name: SmallFile.read("/proc/\(pid)/comm") ?? "?"))
        return
      }
    }
    var link: UInt32 = 0
    // Safe: written by the call.
    guard unsafe cxsk_program_link(program, &link) == 0 else { return nil }
    self.init(link: link)
  }

  /// The link that a file of /proc/PID/fdinfo is about, if it is one of this program on a device.
  static func link(of program: UInt32, inInfo text: String) -> UInt32? {
    guard text.contains("link_type:\txdp") else { return nil }
    var fields: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1].drop { $0 == "\t" || $0 == " " } }
    }
    guard fields["prog_id"] == "\(program)" else { return nil }
    return fields["link_id"].flatMap { UInt32($0) }
  }
}

extension AttachedProgram {
  /// Finds out what keeps it there. Looks through /proc: only where somebody is told.
  mutating func findHolder() { holder = ProgramHolder(of: id) }

  /// How to get rid of it.
  func removal(from device: String) -> String {
    guard let holder else {
      let section = place == .generic ? "xdpgeneric" : place == .hardware ? "xdpoffload" : "xdp"
      return "stop its owner, or take it off: ip link set dev \(device) \(section) off"
    }
    let detach = "bpftool link detach id \(holder.link)"
    guard let process = holder.process else {
      return "stop its owner, which is not seen from here, or take it off: \(detach) (ip link can't: it has a BPF link)"
    }
    return "stop process \(process.pid) (\(process.name)), which holds it by a BPF link (ip link can't take it off)"
  }
}
