/// One (device, queue) as a worker drives it: four rings, a doorbell, and what is under way.
@usableFromInline struct XSKQueue: ~Copyable {
  var fill: FillRing
  var completion: CompletionRing
  var receive: ReceiveRing
  var transmit: TransmitRing
  var doorbell: Doorbell
  let counters: QueueCounters
  /// The port that it belongs to, and its number on the device.
  let port: UInt8
  let queue: Int
  /// Packets longer than this are not transmitted here: the device would drop them silently.
  var maximumLength: Int
  /// Frames that the kernel has for receiving: in the fill ring, inside, or in the RX ring.
  var receiveFrames = 0
  /// Frames that the kernel has for transmitting: in the TX ring, inside, or in the completion ring.
  var transmitFrames = 0
  /// Descriptors were written since the last publish.
  var isDirty = false
  /// The turn in which the TX doorbell was last rung, by its time in time-stamp ticks.
  var lastKick: UInt64 = 0
  /// A chain longer than a packet can be is being thrown away, up to its end.
  var isDiscarding = false
  /// Its socket was given up: its rings are not to be touched any more.
  var isVacant = false
  /// It belongs to the local port: packets of the worker's own count here, and nobody drives its rings.
  let isLocal: Bool
  /// It belongs to a spare port: while it is vacant nobody looks at it.
  let isSpare: Bool
  /// Frames to keep with the kernel for receiving; 0: as many as the fill ring holds.
  let fillLevel: Int
  /// Packets that were seen when all of its packets were last found accounted for.
  var checked = UInt64.max
  /// 0: working; else the errno that ended it.
  var failure: CInt = 0

  init(
    rings memory: borrowing QueueRings, doorbell: Doorbell, counters: QueueCounters, port: UInt8, queue: Int,
    maximumLength: Int, fillLevel: Int = 0, isLocal: Bool = false, isSpare: Bool = false
  ) {
    self.isLocal = isLocal
    self.isSpare = isSpare
    self.fillLevel = fillLevel
    isVacant = isLocal
    fill = unsafe FillRing(memory.fill)
    completion = unsafe CompletionRing(memory.completion)
    receive = unsafe ReceiveRing(memory.receive)
    transmit = unsafe TransmitRing(memory.transmit)
    self.doorbell = doorbell
    self.counters = counters
    self.port = port
    self.queue = queue
    self.maximumLength = maximumLength
  }

  var isUp: Bool { failure == 0 && !isVacant }

  /// Why a packet can't leave by this queue, which is not up.
  var reasonForNotSending: DropReason { isLocal ? .noSuchPort : .portDown }
}

extension XSKQueue {
  /// What stands behind a queue: its socket, or a simulated device.
  enum Backing: Sendable {
    case socket(XSKSocket)
    case simulated(SimulatedDevice)

    var rings: QueueRings {
      switch self {
      case .socket(let socket): QueueRings(socket.rings)
      case .simulated(let device): QueueRings(device.memory)
      }
    }

    var doorbell: Doorbell {
      switch self {
      case .socket(let socket): .kernel(socket.descriptor)
      case .simulated(let device): .simulated(device.doorbell)
      }
    }
  }
}

/// Where a queue's four rings lie, whoever made them.
@safe struct QueueRings: ~Copyable {
  // Safe: made from mapped rings or simulated memory, whose owner the worker keeps as long as the queue.
  let fill: RingMemory
  let completion: RingMemory
  let receive: RingMemory
  let transmit: RingMemory

  init(_ mapped: MappedRings) {
    unsafe fill = mapped.fill
    unsafe completion = mapped.completion
    unsafe receive = mapped.receive
    unsafe transmit = mapped.transmit
  }

  init(_ simulated: borrowing SimulatedRingMemory) {
    unsafe fill = simulated.fill
    unsafe completion = simulated.completion
    unsafe receive = simulated.receive
    unsafe transmit = simulated.transmit
  }
}
