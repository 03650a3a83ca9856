import CXsk
import Glibc
import Testing

@testable import XSKEngine

@Suite("A veth device, looked up in a namespace of its own (root)")
struct DeviceVethTests {
  @Test func `driver, queues, flags and XDP features are those of the pair that was made`() throws {
    let device = try DeviceLab.run {
      try DeviceLab.vethPair(receiveQueues: 4, transmitQueues: 2)
      return try NetworkDevice(named: "xa")
    }
    #expect(device.driver == "veth")
    #expect(device.name == "xa" && device.index > 1 && device.mtu == 1500)
    #expect(device.hardwareAddress.count == 6 && device.hardwareAddressText.count == 17)
    #expect(device.isUp && device.isRunning)
    #expect(device.queues.receive == 4 && device.queues.transmit == 2)
    #expect(device.numaNode == -1 && device.busAddress == nil)
    #expect(device.program == nil)
    #expect(device.boundQueues == [])
    let xdp = try #require(device.xdp)
    #expect(xdp.features.isSuperset(of: [.basic, .redirect, .receiveFragments]))
    #expect(!xdp.features.contains(.zeroCopy))
    let peer = try #require(device.peer)
    #expect(peer.name == "xb" && !peer.isInOtherNamespace && peer.commandPrefix == "")
    #expect(peer.receiveQueues == 1 && peer.transmitQueues == 1)
  }

  @Test func `offload states follow what is set, group by group`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      for group in [Offloads.Group.tx, .gso, .tso, .txvlan, .gro, .udpGROForwarding] {
        for on in [true, false] {
          // Segmentation needs checksums: the kernel switches it off with them.
          if on && group == .tso { try NetworkDevice(named: "xa").setOffloads(.tx, on: true) }
          try NetworkDevice(named: "xa").setOffloads(group, on: on)
          let offloads = try NetworkDevice(named: "xa").offloads
          #expect(offloads.isOn(group) == on, "\(group) \(on)")
          #expect(!offloads.isFixedOn(group))
        }
      }
      #expect(try NetworkDevice(named: "xb").peer?.offloads == NetworkDevice(named: "xa").offloads)
    }
  }

  @Test func `the peer is found in another namespace, with its queues and offloads`() throws {
    let (device, path) = try DeviceLab.run {
      let home = DeviceLab.namespacePath
      // The far end lives in a second namespace, which lives as long as the thread that made it.
      return try DeviceLab.run {
        try DeviceLab.command(
          "ip", "link", "add", "xb", "numtxqueues", "3", "type", "veth", "peer", "name", "xa", "netns", home)
        try NetworkDevice(named: "xb").setOffloads(.tx, on: false)
        guard let device = SystemThread.run(inNamespace: home, { try? NetworkDevice(named: "xa") }) else {
          throw DeviceLab.Failure(description: "xa is not in \(home)")
        }
        return (device, DeviceLab.namespacePath)
      }
    }
    let peer = try #require(device.peer)
    #expect(peer.isInOtherNamespace && peer.name == "xb")
    #expect(peer.namespacePath == path)
    #expect(peer.commandPrefix == "nsenter --net=\(path) ")
    #expect(peer.transmitQueues == 3)
    #expect(peer.offloads?.isOn(.tx) == false && device.offloads.isOn(.tx))
    // Fewer RX queues here than TX queues there: the kernel would refuse a native program, and says so.
    #expect(device.xdp?.features == [])
  }

  @Test func `an unknown name is an error that lists the devices there are`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      for name in ["eth9", "", "a-name-of-16-byte", "eth9\0"] {
        let error = #expect(throws: XSKError.self) { try NetworkDevice(named: name) }
        #expect(error?.problem == "no such interface", "\(name)")
        #expect(error?.remedy == "choose one of lo, xa, xb", "\(name)")
      }
    }
  }

  @Test func `an attached program and a bound queue are seen`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      let index = try NetworkDevice(named: "xa").index
      let program = try XDPProgram(
        image: BPFImage.xsk_redirect, function: "xsk_redirect", device: "xa", ifindex: index, queues: 1,
        modes: [.native])
      let socket = try XSKSocket(name: "xa queue 0", umem: UMEM(UMEMConfiguration()), SocketConfiguration())
      try socket.bind(ifindex: index, queue: 0)
      let during = try NetworkDevice(named: "xa")
      #expect(during.program?.place == .native && during.program?.name == "xsk_redirect")
      #expect(during.program?.isDispatcher == false)
      #expect(during.boundQueues == [0])
      program.detach()
      #expect(try NetworkDevice(named: "xa").program == nil)
      withExtendedLifetime(socket) {}
    }
  }

  @Test func `NAPI settings are set on this namespace's device and put back`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      let device = try NetworkDevice(named: "xa")
      let before = try NAPISettings.read(device)
      #expect(before != .busyPolling)
      let applied = try NAPISettings.apply(.busyPolling, to: device).get()
      #expect(applied.previous == before)
      #expect(try NAPISettings.read(device) == .busyPolling)
      #expect(try NAPISettings.read(NetworkDevice(named: "xb")) == before)
      #expect(applied.restore() == nil)
      #expect(try NAPISettings.read(device) == before)
      _ = try NAPISettings.apply(.busyPolling, to: device).get()
      #expect(try NAPISettings.read(device) == before, "the handle was let go of")
    }
  }

  @Test func `a refused NAPI setting is a value, and changes nothing`() throws {
    try DeviceLab.run {
      try DeviceLab.vethPair()
      let device = try NetworkDevice(named: "xa")
      let before = try NAPISettings.read(device)
      let impossible = NAPISettings(deferHardIRQs: 7, groFlushTimeout: -1)
      guard case .failure(let error) = NAPISettings.apply(impossible, to: device) else {
        throw DeviceLab.Failure(description: "a negative timeout was accepted")
      }
      #expect(error.subject == "xa NAPI settings")
      #expect(try NAPISettings.read(device) == before)
      try DeviceLab.command("ip", "link", "del", "xa")
      #expect(throws: XSKError.self) { try NAPISettings.read(device) }
    }
  }
}
