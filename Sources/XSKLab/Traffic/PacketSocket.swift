import CXsk
import Glibc
import XSKEngine

/// A raw socket on one device: sends and receives whole Ethernet frames, byte for byte (packet(7)).
///
/// It is promiscuous, sees arriving frames only, and belongs to the namespace it was made in, wherever it is used.
/// One thread may send while another receives.
public final class PacketSocket: Sendable {
  public let device: String
  private let fd: CInt

  /// Opens a socket on a device of `namespace`.
  ///
  /// - Throws: `XSKError` if there is no such device or the caller lacks CAP_NET_RAW.
  public init(in namespace: NetworkNamespace, device: String) throws(XSKError) {
    fd = try namespace.onThread { () throws(XSKError) in
      // The name is read during the call only.
      let fd = unsafe cxsk_lab_packet_open(device)
      guard fd >= 0 else {
        throw XSKError(
          device, refused: "no packet socket", code: fd,
          remedy: "check the device's name, and run as root (CAP_NET_RAW)")
      }
      return fd
    }
    self.device = device
  }

  deinit { close(fd) }

  /// Sends one frame, 14 bytes to the device's MTU + 14.
  public func send(_ frame: [UInt8]) throws(XSKError) {
    // send() reads exactly the array's bytes.
    guard unsafe Glibc.send(fd, frame, frame.count, 0) == frame.count else {
      throw XSKError(
        device, refused: "a frame of \(frame.count) bytes was not sent", code: errno,
        remedy: "bring the device up, and keep frames within its MTU")
    }
  }

  /// The next frame; nil if none arrives within `timeout`.
  public func receive(timeout: Duration) throws(XSKError) -> [UInt8]? {
    let deadline = ContinuousClock.now + timeout
    // 64 KiB is the longest frame there is; the kernel side checks against the size given.
    var buffer = [UInt8](repeating: 0, count: 65_536 + 32)
    repeat {
      let left = max(0, (deadline - .now) / .milliseconds(1)).rounded(.up)
      let count = unsafe cxsk_lab_packet_receive(fd, &buffer, buffer.count, CInt(left))
      guard count >= 0 else {
        throw XSKError(
          device, refused: "can't be read", code: CInt(count), remedy: "check that the device still exists")
      }
      if count > 0 { return Array(buffer[..<count]) }
    } while ContinuousClock.now < deadline
    return nil
  }

  /// The frames that arrive, up to `count` of them, until none has come for `timeout`; those that `isWanted` refuses
  /// are left out.
  public func receive(
    _ count: Int, timeout: Duration, where isWanted: ([UInt8]) -> Bool = { _ in true }
  ) throws(XSKError) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while frames.count < count, let frame = try receive(timeout: timeout) {
      if isWanted(frame) { frames.append(frame) }
    }
    return frames
  }
}
