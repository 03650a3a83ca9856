import Testing
import XSKEngine

@testable import ContainerDataplane

@Suite struct HandoverCommandTests {
  @Test(
    arguments: [
      // Intel's device plugin 0.1.
      ("/connect,pod-1", .connect), ("/connect, pod-1", .connect), ("/connect,  pod-1 ", .connect),
      ("/connect", .malformed(answer: "/host_nak")), ("/connect,", .malformed(answer: "/host_nak")),
      ("/connect, ", .malformed(answer: "/host_nak")), ("/connect,a,b", .malformed(answer: "/host_nak")),
      ("/version", .version), ("/version,1", .malformed(answer: "/nak")),
      ("/xsk_map_fd,eth0", .map(device: "eth0")), ("/xsk_map_fd, eth0", .map(device: "eth0")),
      ("/xsk_map_fd", .malformed(answer: "/nak")), ("/xsk_map_fd,", .malformed(answer: "/nak")),
      ("/xsk_map_fd,eth0,1", .malformed(answer: "/nak")),
      ("/config_busy_poll,20,64", .busyPoll(microseconds: 20, budget: 64)),
      ("/config_busy_poll, 20, 64", .busyPoll(microseconds: 20, budget: 64)),
      ("/config_busy_poll", .malformed(answer: "/nak")), ("/config_busy_poll,20", .malformed(answer: "/nak")),
      ("/config_busy_poll,20,64,1", .malformed(answer: "/nak")),
      ("/config_busy_poll,x,64", .malformed(answer: "/config_busy_poll_nak")),
      ("/config_busy_poll,-1,64", .malformed(answer: "/config_busy_poll_nak")),
      ("/config_busy_poll,20,65", .malformed(answer: "/config_busy_poll_nak")),
      ("/config_busy_poll,1001,64", .malformed(answer: "/config_busy_poll_nak")),
      ("/config_busy_poll,20,0", .malformed(answer: "/config_busy_poll_nak")),
      ("/config_busy_poll,99999999999999999999,64", .malformed(answer: "/config_busy_poll_nak")),
      ("/fin", .fin), ("/fin,", .malformed(answer: "/nak")),
      // Ours.
      ("/xsk_device", .device), ("/xsk_device,eth0", .malformed(answer: "/nak")), ("/xsk_quota", .quota),
      ("/xsk_quota,1", .malformed(answer: "/nak")),
      ("/xsk_address,3", .address(3)), ("/xsk_address", .malformed(answer: "/nak")),
      ("/xsk_address,x", .malformed(answer: "/nak")), ("/xsk_address,1,2", .malformed(answer: "/nak")),
      ("/xsk_mapped", .mapped), ("/xsk_mapped,0", .malformed(answer: "/nak")),
      ("/xsk_socket", .socket(HandoverRequest())), ("/xsk_socket,7", .socket(HandoverRequest(queue: 7))),
      // Replies are not answered, and nothing that a client says to whoever answered it something unknown.
      ("/host_ok", .reply), ("/host_nak", .reply), ("/fd_ack", .reply), ("/fd_nak", .reply), ("/nak", .reply),
      ("/config_busy_poll_ack", .reply), ("/config_busy_poll_nak", .reply), ("/fin_ack", .reply), ("0.1", .reply),
      ("/xsk_socket_ack,chunk=2048", .reply), ("/xsk_socket_nak,no", .reply), ("/error", .reply),
      ("{\"error\": \"unknown\"}", .reply),
      // Anything else.
      ("", .unknown), ("\0", .unknown), ("hello", .unknown), ("/", .unknown), (",", .unknown), ("/Connect,x", .unknown),
      ("/connectx", .unknown), ("/version\n", .unknown), ("/version\u{7F}", .unknown), ("/vérsion", .unknown),
      ("/version\0\0", .version), ("/version\0x", .unknown),
      ("/connect," + String(repeating: "h", count: 55), .connect),
      ("/connect," + String(repeating: "h", count: 56), .unknown),
    ] as [(String, HandoverCommand)])
  func `a message is understood, or answered as the protocol has it`(message: String, command: HandoverCommand) {
    #expect(HandoverCommand(Array(message.utf8)) == command)
  }

  @Test func `a request for a socket says all that there is to say, and comes back as it was`() throws {
    let requests = [
      HandoverRequest(),
      HandoverRequest(
        queue: 63, umem: UMEMConfiguration(frames: 1_048_576, chunkSize: 4096, headroom: 3392, pages: .sealedMemfd),
        rings: RingSizes(receive: 65536, transmit: 65536, fill: 65536, completion: 65536),
        framesWithKernel: 900_000..<965_536, multiBuffer: true),
      HandoverRequest(
        queue: 1, umem: UMEMConfiguration(frames: 100, pages: .sealedMemfd),
        rings: RingSizes(receive: 1, transmit: 2, fill: 4, completion: 8), framesWithKernel: 5..<5),
    ]
    for request in requests {
      #expect(request.message.utf8.count <= HandoverCommand.mostBytesOfOurs, "\(request.message)")
      #expect("/xsk_socket_ack\(request.fields),map=1".utf8.count <= HandoverCommand.mostBytesOfReply)
      guard case .socket(let read) = HandoverCommand(Array(request.message.utf8)) else {
        Issue.record("\(request.message)")
        continue
      }
      #expect(read.queue == request.queue && read.umem == request.umem && read.rings == request.rings)
      #expect(read.given == request.given && read.multiBuffer == request.multiBuffer)
    }
  }

  @Test func `no noise is taken for anything, and none stops the reader`() {
    var generator = SystemRandomNumberGenerator()
    let words = ["/xsk_socket", "/connect", ",", "=", "0", "99999999999", " ", "chunk", "\0", "é", "{", "_ack"]
    for _ in 0..<5000 {
      let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in words.randomElement() ?? "" }.joined()
      if case .socket(let request) = HandoverCommand(Array(text.utf8)) {
        #expect(text.hasPrefix("/xsk_socket"), "\(request)")
      }
      let bytes = (0..<Int.random(in: 0...127, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      _ = HandoverCommand(bytes)
    }
  }

  @Test func `a reply never has more than 127 bytes, nor any that is no character`() {
    let bytes = HandoverReply(String(repeating: "é", count: 300) + "\n").bytes
    #expect(bytes == [UInt8](repeating: UInt8(ascii: "?"), count: 127))
  }
}

@Suite struct HandoverPartsTests {
  @Test func `a budget lets so much through at once, and then so much a second`() {
    var limits = HandoverLimits()
    (limits.workAtOnce, limits.workPerSecond) = (10, 5)
    var budget = WorkBudget(limits, now: 100)
    budget.spend(10)
    #expect(budget.wait(now: 100) == 0)
    budget.spend(5)
    #expect(budget.wait(now: 100) == 1)
    #expect(budget.wait(now: 100.5) == 0.5)
    #expect(budget.wait(now: 101) == 0)
    // It never saves more than its size, and a clock that stands still gives nothing.
    #expect(budget.wait(now: 1000) == 0)
    budget.spend(20)
    #expect(budget.wait(now: 1000) == 2)
    #expect(budget.wait(now: 1000) == 2)
  }

  @Test func `a process is in a cgroup and in all above it`() {
    let text = "12:memory:/kube/pod1/c1\n1:name=systemd:/a:b\n0::/kube/pod1/c1\nbroken\n"
    let paths = HandoverPeer.paths(text)
    #expect(paths == ["/kube/pod1/c1", "/a:b", "/kube/pod1/c1"])
    for (wanted, isIn) in [
      ("/kube/pod1/c1", true), ("/kube/pod1", true), ("/kube/pod1/", true), ("/", true), ("/kube/pod", false),
      ("/kube/pod1/c1/x", false), ("/a:b", true), ("", false),
    ] as [(String, Bool)] where !wanted.isEmpty {
      #expect(HandoverPeer.isIn(wanted, paths) == isIn, "\(wanted)")
    }
  }

  @Test func `an id is a folder's name without dots, and can be read back`() {
    #expect(TenantEndpoint.folder(of: "a.b-eth0", in: "/sys/fs/bpf/xskd") == "/sys/fs/bpf/xskd/a@b-eth0")
    #expect(TenantEndpoint.id(ofFolder: "a@b-eth0") == "a.b-eth0")
  }
}
