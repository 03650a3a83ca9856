import CXsk
import Glibc

/// The ethtool questions that the engine asks, by ioctl(2): it reaches the devices of the calling thread's namespace
/// whatever sysfs is mounted. Structures and numbers: linux/ethtool.h.
struct Ethtool {
  let device: String

  private enum Command {
    static let driver: UInt32 = 0x03
    static let rings: UInt32 = 0x10
    static let strings: UInt32 = 0x1b
    static let stringSets: UInt32 = 0x37
    static let features: UInt32 = 0x3a
    static let setFeatures: UInt32 = 0x3b
    static let channels: UInt32 = 0x3c
  }
  private static let featureStrings: UInt32 = 4  // ETH_SS_FEATURES
  private static let stringLength = 32  // ETH_GSTRING_LEN

  /// Driver name and bus address ("0000:01:00.0"; "" if it is on none).
  func driver() throws(ErrorNumber) -> (name: String, bus: String) {
    let answer = try ask(Command.driver, length: 196)
    return (answer.text(at: 4, length: 32) ?? "", answer.text(at: 100, length: 32) ?? "")
  }

  func channels() throws(ErrorNumber) -> Channels {
    guard let channels = Channels(try ask(Command.channels, length: 36)) else { throw ErrorNumber(EPROTO) }
    return channels
  }

  /// Descriptors of a hardware RX and TX ring, as set now.
  func rings() throws(ErrorNumber) -> (receive: Int, transmit: Int) {
    let answer = try ask(Command.rings, length: 36)
    return (Int(answer.native(at: 20, as: UInt32.self) ?? 0), Int(answer.native(at: 32, as: UInt32.self) ?? 0))
  }

  func offloads() throws(ErrorNumber) -> Offloads {
    let names = try featureNames()
    let blocks = (names.count + 31) / 32
    let answer = try ask(Command.features, argument: UInt32(blocks), length: 8 + blocks * 16)
    return Offloads(names: names, answer: answer)
  }

  /// Switches features; names that the device lacks or has fixed change nothing.
  func setFeatures(_ wanted: Set<String>, on: Bool) throws(ErrorNumber) {
    let names = try featureNames()
    var blocks = [UInt32](repeating: 0, count: (names.count + 31) / 32 * 2)
    for (bit, name) in names.enumerated() where wanted.contains(name) {
      blocks[bit / 32 * 2] |= 1 << UInt32(bit % 32)  // valid
      if on { blocks[bit / 32 * 2 + 1] |= 1 << UInt32(bit % 32) }  // requested
    }
    var command = [UInt8]()
    command.append(native: Command.setFeatures)
    command.append(native: UInt32(blocks.count / 2))
    for word in blocks { command.append(native: word) }
    _ = try send(command)
  }

  /// The kernel's feature names, in the order of their bits.
  func featureNames() throws(ErrorNumber) -> [String] {
    // struct ethtool_sset_info: command, reserved, 64-bit mask, count
    var question = [UInt8]()
    question.append(native: Command.stringSets)
    question.append(native: UInt32(0))
    question.append(native: UInt64(1) << UInt64(Self.featureStrings))
    question.append(native: UInt32(0))
    let count = Int(try send(question).native(at: 16, as: UInt32.self) ?? 0)
    // struct ethtool_gstrings: command, set, count, strings
    var strings = [UInt8]()
    strings.append(native: Command.strings)
    strings.append(native: Self.featureStrings)
    strings.append(native: UInt32(count))
    strings.append(contentsOf: repeatElement(0, count: count * Self.stringLength))
    let answer = try send(strings)
    return (0..<count).map { answer.text(at: 12 + $0 * Self.stringLength, length: Self.stringLength) ?? "" }
  }

  private func ask(_ command: UInt32, argument: UInt32 = 0, length: Int) throws(ErrorNumber) -> ArraySlice<UInt8> {
    var bytes = [UInt8]()
    bytes.append(native: command)
    bytes.append(native: argument)
    bytes.append(contentsOf: repeatElement(0, count: length - bytes.count))
    return try send(bytes)
  }

  /// The kernel writes its answer over `command`, which must be as long as the answer: it does not check.
  private func send(_ command: [UInt8]) throws(ErrorNumber) -> ArraySlice<UInt8> {
    var command = command
    let code = unsafe command.withUnsafeMutableBytes { unsafe cxsk_ethtool(device, $0.baseAddress!) }
    guard code == 0 else { throw ErrorNumber(code) }
    return command[...]
  }
}

/// struct ethtool_channels: queues in use, and the most that the device can have.
struct Channels: Hashable {
  var maximumReceive, maximumTransmit, maximumCombined: Int
  var receive, transmit, combined: Int

  init?(_ answer: ArraySlice<UInt8>) {
    let words = (0..<9).compactMap { answer.native(at: $0 * 4, as: UInt32.self).map { Int($0) } }
    guard words.count == 9 else { return nil }
    (maximumReceive, maximumTransmit, maximumCombined) = (words[1], words[2], words[4])
    (receive, transmit, combined) = (words[5], words[6], words[8])
  }
}
