import CXsk
import Glibc

/// How the other half of a queue's rings is woken: a system call, or the simulated NIC's own counters.
@frozen @usableFromInline enum Doorbell {
  case kernel(CInt)
  case simulated(SimulatedDoorbell)

  /// Has the other half transmit (sendto(2), which busy-polls RX too). 0 or a negative errno.
  func ringTransmit() -> CInt {
    switch self {
    case .kernel(let fd): cxsk_wake_tx(fd)
    case .simulated(let bell): bell.ringTransmit()
    }
  }

  /// Has the other half receive (recvfrom(2)). 0 or a negative errno.
  func ringReceive() -> CInt {
    switch self {
    case .kernel(let fd): cxsk_wake_rx(fd)
    case .simulated(let bell): bell.ringReceive()
    }
  }

  /// The descriptor to poll(2), −1 if there is none.
  var descriptor: CInt {
    if case .kernel(let fd) = self { fd } else { -1 }
  }
}

/// The doorbell of a simulated NIC: counts rings, and answers the error that the NIC was told to answer.
@frozen @safe @usableFromInline struct SimulatedDoorbell {
  // Safe: four words owned by the simulated NIC, which outlives the queue.
  private let words: UnsafeMutablePointer<UInt32>

  init(words: UnsafeMutablePointer<UInt32>) { unsafe self.words = words }

  func ringTransmit() -> CInt {
    let socket = unsafe cxsk_load_acquire(words + 3)
    // What the kernel answers says nothing about a NIC that isn't its.
    if socket > 0 { _ = cxsk_wake_tx(CInt(bitPattern: socket) - 1) }
    return ring(0)
  }
  func ringReceive() -> CInt { ring(1) }

  private func ring(_ index: Int) -> CInt {
    unsafe cxsk_store_release(words + index, words[index] &+ 1)
    return unsafe -CInt(bitPattern: cxsk_load_acquire(words + 2))
  }
}

extension CInt {
  /// Whether a kick's negative errno is ordinary: the ring is worked off later, the queue is fine.
  var isOrdinaryKickResult: Bool {
    switch -self {
    case 0, EAGAIN, EBUSY, ENOBUFS, ENETDOWN, EINTR: true
    default: false
    }
  }
}
