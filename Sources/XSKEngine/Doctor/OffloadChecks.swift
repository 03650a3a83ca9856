/// What the doctor thinks of a device's offloads: those that change packets before XDP sees them.
struct OffloadChecks {
  let device: NetworkDevice

  var findings: [Finding] { [receiving] + sending }

  /// Of a veth.
  var sending: [Finding] { device.peer.map { [sending($0)] } ?? [] }

  /// On the receiving side packets must not be merged, nor lose their VLAN tags.
  private var receiving: Finding {
    var groups: [Offloads.Group] = [.lro, .hardwareGRO, .udpGROForwarding]
    // A veth has its tag stripped by nobody, whatever the feature says.
    if device.peer == nil { groups.append(.rxvlan) }
    return finding(
      "offloads", device: device.name, device.offloads, groups, prefix: "",
      effect: "packets are merged or lose their VLAN tag before XDP sees them")
  }

  /// A veth's sender hands over what it left to hardware that is not there.
  private func sending(_ peer: VethPeer) -> Finding {
    let name = peer.name ?? "PEER"
    guard let offloads = peer.offloads else {
      let place = peer.isInOtherNamespace ? ", which is in another network namespace," : ""
      return Finding(
        "peer offloads", of: "\(device.name) peer", .limited,
        "\(device.name)'s peer\(place) cannot be seen: packets may come unfinished or up to 64 KiB long",
        remedy: "\(peer.commandPrefix)ethtool -K \(name) tx off tso off gso off txvlan off")
    }
    return finding(
      "peer offloads", device: name, offloads, [.tx, .tso, .gso, .txvlan], prefix: peer.commandPrefix,
      effect: "\(device.name) gets packets with unfinished checksums, up to 64 KiB long, or without their VLAN tag")
  }

  private func finding(
    _ check: String, device: String, _ offloads: Offloads, _ groups: [Offloads.Group], prefix: String, effect: String
  ) -> Finding {
    let on = groups.filter { offloads.isOn($0) }
    let names = groups.map(\.rawValue).joined(separator: ", ")
    guard !on.isEmpty else { return Finding(check, of: device, .ok, "none that change packets (\(names))") }
    let detail = "\(on.map(\.rawValue).joined(separator: ", ")) on \(device): \(effect)"
    let changeable = on.filter { !offloads.isFixedOn($0) }
    guard !changeable.isEmpty else {
      return Finding(check, of: device, .limited, detail, remedy: "the driver has them fixed: use another device")
    }
    let switches = changeable.map { "\($0.rawValue) off" }.joined(separator: " ")
    return Finding(check, of: device, .limited, detail, remedy: "\(prefix)ethtool -K \(device) \(switches)")
  }
}
