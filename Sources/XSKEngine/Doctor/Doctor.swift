/// Says what this machine and a device can do for AF_XDP, and what stands in the way. Changes nothing that lasts.
public enum Doctor {
  /// Examines the machine, and the device if one is named, in the calling thread's network namespace.
  ///
  /// Works without privileges, and then finds that they are missing.
  ///
  /// - Parameters:
  ///   - device: nil: only the machine.
  ///   - queues: RX queues that are going to be used; nil: all.
  ///   - cores: CPUs that workers are going to run on; nil: any.
  public static func examine(device: String? = nil, queues: [Int]? = nil, cores: [Int]? = nil) -> [Finding] {
    examine(Requirements(device: device, queues: queues, cores: cores))
  }

  /// What the far end of a device sends unfinished: nothing of a device that is no veth, or is not there.
  public static func peerOffloads(of name: String) -> [Finding] {
    guard let device = try? NetworkDevice(named: name) else { return [] }
    return OffloadChecks(device: device).sending
  }

  /// Examines the machine, and the device if one is named, for what is going to be started there.
  public static func examine(_ requirements: Requirements) -> [Finding] {
    let host = HostFacts.gather()
    var findings =
      HostChecks(host: host).findings + PrivilegeChecks(host: host, requirements: requirements).findings
      + [PlacementChecks(host: host, requirements: requirements).cores]
    guard let name = requirements.device else { return findings }
    do {
      var device = try NetworkDevice(named: name)
      device.program?.findHolder()
      findings += DeviceChecks(device: device, host: host, requirements: requirements).findings
    } catch {
      findings.append(Finding("device", of: error.subject, .failed, error.problem, remedy: error.remedy))
    }
    return findings
  }
}

/// The part of the doctor's checks that must hold before a start.
public enum Preflight {
  /// Checks sockets, privileges, limits, CPUs, and with a device its queues and mode; answers the device.
  ///
  /// A queue that is taken or a program that is attached is no obstacle yet: the kernel lets go of both some time after
  /// their owner, so bind and attach find out.
  ///
  /// - Throws: the first check that failed, in the doctor's words.
  @discardableResult public static func check(_ requirements: Requirements) throws(XSKError) -> NetworkDevice? {
    let host = HostFacts.gather()
    // A device that is not there is the most likely mistake, and needs no privileges to be told.
    var device: NetworkDevice?
    if let name = requirements.device { device = try NetworkDevice(named: name) }
    if let error = essentials(device, host, requirements).lazy.compactMap(\.error).first { throw error }
    return device
  }

  static func essentials(_ device: NetworkDevice?, _ host: HostFacts, _ requirements: Requirements) -> [Finding] {
    let privileges = PrivilegeChecks(host: host, requirements: requirements)
    let machine = [
      privileges.capabilities, HostChecks(host: host).socket, privileges.load, privileges.lockedMemory,
      PlacementChecks(host: host, requirements: requirements).cores,
    ]
    guard let device else { return machine }
    let checks = DeviceChecks(device: device, host: host, requirements: requirements)
    return [checks.queues] + machine + [checks.mode]
  }
}
