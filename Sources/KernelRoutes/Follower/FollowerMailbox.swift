import CXsk
import Forwarder
import Glibc
import Synchronization
import XSKEngine

/// What other threads want of the follower's own.
final class FollowerMailbox: Sendable {
  struct Messages {
    var configuration: ForwarderConfiguration?
    var destinations: Set<Destination> = []
    var isStopped = false
  }

  struct Destination: Hashable {
    var address: IPAddress
    var port: Int
  }

  /// Destinations that wait; what exceeds this is forgotten, and asked for again by the next packet.
  private static let capacity = 4096

  private let messages = Mutex(Messages())
  private let numbers = Mutex(KernelRouteStatistics())
  let bell: CInt

  init() throws(XSKError) {
    bell = cxsk_bell_open()
    guard bell >= 0 else {
      throw XSKError("netlink", refused: "no eventfd", code: bell, remedy: "raise the limit on open files")
    }
  }

  deinit { close(bell) }

  func post(_ body: (inout Messages) -> Void) {
    messages.withLock { body(&$0) }
    cxsk_bell_ring(bell)
  }

  /// Rings only for what was not waiting already.
  func post(_ destination: Destination) {
    let isNew = messages.withLock { messages in
      messages.destinations.count < Self.capacity && messages.destinations.insert(destination).inserted
    }
    if isNew { cxsk_bell_ring(bell) }
  }

  /// Takes what waits.
  func take() -> Messages {
    cxsk_bell_silence(bell)
    return messages.withLock { messages in
      let taken = messages
      (messages.configuration, messages.destinations) = (nil, [])
      return taken
    }
  }

  var statistics: KernelRouteStatistics {
    get { numbers.withLock { $0 } }
    set { numbers.withLock { $0 = newValue } }
  }
}
