import Glibc
import Testing

@testable import XSKEngine

@Suite struct TapTests {
  /// A kernel that knows some forms only, and has the rules of tun's set_offload().
  struct Kernel {
    var known: TapOffloads
    var on: TapOffloads = []

    mutating func set(_ forms: TapOffloads) -> CInt {
      guard known.isSuperset(of: forms), forms.isEmpty || forms.contains(.checksum) else { return -EINVAL }
      on = forms
      return 0
    }
  }

  @Test(
    arguments: [
      (TapOffloads.all, []), ([.checksum, .tcp4, .tcp6, .ecn], ["udp"]), ([.checksum, .tcp4, .udp], ["tcp6", "ecn"]),
      ([.checksum], ["tcp4", "tcp6", "ecn", "udp"]), ([.tcp4], ["checksum", "tcp4", "tcp6", "ecn", "udp"]),
    ] as [(TapOffloads, [String])])
  func `each form that the kernel refuses is left out and told once`(known: TapOffloads, refused: [String]) {
    var kernel = Kernel(known: known)
    let (accepted, notes) = TapOffloads.probe(.all, device: "tap0") { kernel.set($0) }
    #expect(accepted == kernel.on && accepted.isSubset(of: known))
    #expect(
      notes
        == refused.map { "tap0: the kernel refuses offload \($0) (Invalid argument); going on without it" })
    // Each form is one or the other, in the order of all.
    #expect(TapOffloads.all.names.filter { !refused.contains($0) } == accepted.names)
    #expect(Set(accepted.names).isDisjoint(with: refused) && accepted.names.count + refused.count == 5)
  }

  @Test(arguments: ["tap0", "a", "fifteen-letters", "x.5", "tap_1", "~"])
  func `takes a name that the kernel takes`(name: String) throws {
    try DeviceLab.run {
      let tap = try TapDevice(name, address: [2, 0, 0, 0, 0, 9], mtu: 1400)
      defer { tap.close() }
      let device = try NetworkDevice(named: name)
      #expect(device.isUp && device.mtu == 1400 && device.hardwareAddressText == "02:00:00:00:00:09")
      #expect(device.driver == "tun")
    }
  }

  @Test func `a device that is gone wakes nobody`() throws {
    let tap = TapDevice(name: "tap0", descriptors: [7_777], offloads: [])
    #expect(try tap.queue(0).wakeDescriptor == 7_777)
    tap.noteGone()
    #expect(try tap.queue(0).wakeDescriptor == -1)
  }

  @Test(
    arguments: [
      "all", "default", "", ".", "..", "a/b", "a:b", "a b", "a\tb", "a%d", "t\u{e4}p", "sixteen-letters-", "a\0b",
    ])
  func `refuses a name that it does not take`(name: String) {
    let error = #expect(throws: XSKError.self) { try TapDevice(name, address: [2, 0, 0, 0, 0, 9], mtu: 1400) }
    #expect(error?.subject.hasPrefix("TAP device") == true && error?.code == 0)
  }

  @Test(arguments: [[], [0, 0, 0, 0, 0, 0], [1, 0, 0x5E, 0, 0, 1], [2, 0, 0, 0, 0]] as [[UInt8]])
  func `refuses an address that no Ethernet interface has`(address: [UInt8]) {
    #expect(throws: XSKError.self) { try TapDevice("tap0", address: address, mtu: 1500) }
  }

  @Test func `an MTU out of range, or a name that is taken, leaves nothing behind`() throws {
    try DeviceLab.run {
      for mtu in [0, 67, 65_522, Int.max] {
        #expect(throws: XSKError.self) { try TapDevice("tap0", address: [2, 0, 0, 0, 0, 9], mtu: mtu) }
        #expect(Self.isGone("tap0"))
      }
      let tap = try TapDevice("tap0", address: [2, 0, 0, 0, 0, 9], mtu: 1500)
      let error = #expect(throws: XSKError.self) { try TapDevice("tap0", address: [2, 0, 0, 0, 0, 9], mtu: 1500) }
      #expect(error?.remedy == "choose another name")
      tap.close()
      #expect(Self.isGone("tap0"))
      #expect(throws: XSKError.self) { _ = try tap.queue(0) }
    }
  }

  /// Whether the device goes. Other tests start programs meanwhile: between fork and exec a child has copies of all
  /// descriptors, and the device lives as long as any of them.
  static func isGone(_ name: String) -> Bool {
    for _ in 0..<2000 {
      guard (try? NetworkDevice(named: name)) != nil else { return true }
      usleep(1000)
    }
    return false
  }

  @Test func `queues are added as workers ask for them, and all go with the device`() throws {
    try DeviceLab.run {
      let tap = try TapDevice("tap0", address: [2, 0, 0, 0, 0, 9], mtu: 1500)
      let descriptors = try [2, 0, 1].map { try tap.queue($0).wakeDescriptor }
      #expect(Set(descriptors).count == 3 && descriptors.allSatisfy { fcntl($0, F_GETFD) == FD_CLOEXEC })
      #expect(descriptors.allSatisfy { fcntl($0, F_GETFL) & O_NONBLOCK != 0 })
      tap.close()
      tap.close()
      #expect(Self.isGone("tap0"))
    }
  }
}
