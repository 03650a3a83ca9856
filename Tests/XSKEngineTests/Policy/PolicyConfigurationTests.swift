import CXsk
import Glibc
import Testing

@testable import XSKEngine

@Suite("Kernel policy configuration") struct PolicyConfigurationTests {
  @Test func `what would catch too much, or nothing, is refused in words`() throws {
    let address = try #require(NetworkAddress("224.0.0.1"))
    let wrong: [(PuntConfiguration, String)] = [
      (PuntConfiguration(etherTypes: [100]), "eth0: punt EtherType 100: is a length; name one from 0x600 on"),
      (
        PuntConfiguration(etherTypes: [0x86dd]),
        "eth0: punt EtherType 0x86dd: would take all of IP, or of a VLAN; name addresses, IP protocols or services instead"
      ),
      (
        PuntConfiguration(services: [.init(ipProtocol: 89, port: 1)]),
        "eth0: punt service 89:1: only TCP (6) and UDP (17) have ports; name the IP protocol alone"
      ),
      (
        PuntConfiguration(addresses: .given([address])),
        "eth0: punt address 224.0.0.1: not a host's own; name unicast addresses"
      ),
      (
        PuntConfiguration(neighbours: .own),
        "eth0: punt: neighbours' questions for own addresses, but none are own; say which addresses are"
      ),
    ]
    for (configuration, text) in wrong {
      #expect(throws: XSKError.self) { try configuration.validate("eth0") }
      do throws(XSKError) { try configuration.validate("eth0") } catch { #expect(error.description == text) }
    }
    try PuntConfiguration.host.validate("eth0")
    try PuntConfiguration.none.validate("eth0")
  }

  @Test func `offload's sizes have bounds`() throws {
    try OffloadConfiguration().validate()
    try OffloadConfiguration(flows: 0, sources: 1).validate()
    for wrong in [
      OffloadConfiguration(flows: -1), OffloadConfiguration(sources: 1 << 23),
      OffloadConfiguration(flows: 0, sources: 0), OffloadConfiguration(requests: 1000),
      OffloadConfiguration(requests: 1),
    ] {
      #expect(throws: XSKError.self) { try wrong.validate() }
    }
  }

  @Test func `a kernel that is too old, or can't be asked, is named as such`() throws {
    try OffloadConfiguration.checkKernel(1)
    let old = #expect(throws: XSKError.self) { try OffloadConfiguration.checkKernel(0) }
    #expect(
      old?.description
        == "verdict offload: this kernel has no bpf_ktime_get_coarse_ns; use Linux 5.11 or later, or switch it off")
    let refused = #expect(throws: XSKError.self) { try OffloadConfiguration.checkKernel(-EPERM) }
    #expect(refused?.remedy == "run as root, or grant CAP_NET_ADMIN and CAP_BPF")
  }

  @Test func `only what is configured is asked of the program`() {
    #expect(PuntConfiguration.none.bits == 0 && !PuntConfiguration.none.isOn)
    #expect(PuntConfiguration.host.bits == 0b11111)
    #expect(PuntConfiguration(etherTypes: [0x88cc]).bits == 1 << 5)
    #expect(OffloadConfiguration(flows: 0).bits == 2)
    #expect(PuntConfiguration(services: [.init(ipProtocol: 17, port: 67)]).extras == [3 << 24 | 17 << 16 | 67])
  }

  @Test func `kinds are in the order of the program's counters`() {
    let kinds: [(PuntKind, Int)] = [
      (.ipv4, XSK_PUNT_IPV4), (.ipv6, XSK_PUNT_IPV6), (.arp, XSK_PUNT_ARP), (.neighbour, XSK_PUNT_NEIGHBOUR),
      (.listener, XSK_PUNT_LISTENER), (.etherType, XSK_PUNT_ETHERTYPE), (.ipProtocol, XSK_PUNT_PROTOCOL),
      (.service, XSK_PUNT_SERVICE),
    ]
    #expect(kinds.count == Int(XSK_PUNT_KINDS) && kinds.allSatisfy { $0.0.rawValue == $0.1 })
  }
}

@Suite("Offload requests") struct OffloadRequestTests {
  private func key(_ number: UInt32) -> VerdictKey { .source(NetworkAddress(ipv4: number), port: 0) }

  @Test func `requests come out in order; those that find the ring full are counted`() {
    let requests = OffloadRequests(capacity: 4)
    #expect(requests.take() == nil)
    for round: UInt32 in 0..<5 {
      for number: UInt32 in 0..<6 {
        let isTaken = requests.ask(
          key(round * 10 + number), .drop(.policy), milliseconds: 5, decidedIn: round)
        #expect(isTaken == (number < 4))
      }
      for number: UInt32 in 0..<4 {
        let request = requests.take()
        #expect(request?.key == key(round * 10 + number) && request?.generation == round)
      }
      #expect(requests.take() == nil)
    }
    #expect(requests.lost == 10)
  }

  @Test func `what one thread asks another takes, once and whole`() throws {
    let requests = OffloadRequests(capacity: 8)
    let count: UInt32 = 100_000
    try SystemThread.start("asking") {
      var number: UInt32 = 0
      while number < count {
        let source = NetworkAddress(ipv6: UInt64(number), ~UInt64(number))
        let isTaken = requests.ask(
          .source(source, port: 1), .drop(.policy), milliseconds: number, decidedIn: number)
        if isTaken { number += 1 }
      }
    }
    var wrong = 0
    for number in 0..<count {
      var request = requests.take()
      while request == nil { request = requests.take() }
      let source = NetworkAddress(ipv6: UInt64(number), ~UInt64(number))
      if request?.key.source != source || request?.milliseconds != number { wrong += 1 }
    }
    #expect(wrong == 0)
  }
}
