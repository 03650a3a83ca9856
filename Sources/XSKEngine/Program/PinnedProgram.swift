import CXsk
import Glibc

/// The redirecting program on a device, and its XSKMAP, both pinned in a BPF file system: they outlive the process that
/// attached them, and are taken up again by the next one.
///
///      FOLDER/link         the program's link: removed, the device's packets go to the kernel's stack again
///      FOLDER/xsks_map     its XSKMAP, one entry a queue
package final class PinnedProgram: Sendable {
  /// The XSKMAP, open as long as this object lives.
  package let socketMap: CInt
  /// Entries of the map.
  package let queues: Int
  package let ifindex: CInt
  package let mode: XDPMode
  /// The kernel's number for it.
  package let identifier: UInt32
  /// It was there already.
  package let isResumed: Bool
  /// Its map is an earlier program's, with the sockets that were in it.
  package let keepsSockets: Bool

  private static let linkName = "link"

  private init(
    socketMap: CInt, queues: Int, ifindex: CInt, mode: XDPMode, identifier: UInt32, isResumed: Bool, keepsSockets: Bool
  ) {
    self.socketMap = socketMap
    self.queues = queues
    self.ifindex = ifindex
    self.mode = mode
    self.identifier = identifier
    self.isResumed = isResumed
    self.keepsSockets = keepsSockets
  }

  deinit { close(socketMap) }

  /// Takes up what is pinned in a folder, or attaches the program to the device and pins it there.
  ///
  /// What is pinned but belongs to a device that is gone, or has too small a map, is removed first.
  ///
  /// - Parameters:
  ///   - folder: made if it is not there; its path must lie in a BPF file system, which takes no names with dots.
  ///   - device: in the calling thread's network namespace.
  ///   - queues: entries of a new map; nil: as many as the device has RX queues now.
  ///   - map: an XSKMAP to go on with, which stays the caller's; nil, or too small: a new one is made.
  ///   - modes: XDP modes to try, in this order.
  /// - Throws: a folder that is in no BPF file system, or the refusal of the last mode.
  package static func open(
    in folder: String, device: NetworkDevice, queues: Int? = nil, keeping map: CInt? = nil,
    modes: [XDPMode] = [.native, .generic]
  ) throws(XSKError) -> PinnedProgram {
    try makeFolder(folder)
    if let pinned = resume(in: folder, device: device) { return pinned }
    let kept = map.flatMap { facts(ofMap: $0, for: device)?.entries }
    var form = ProgramForm.plain
    if kept == nil { remove(in: folder) } else { form.socketMap = map }
    detach(in: folder)
    let queues = kept ?? queues ?? device.queues.receive
    let program = try XDPProgram(
      [form], device: device.name, ifindex: device.index, queues: queues, modes: modes)
    // A map that is kept may be pinned nowhere else: it went on being so until its program was there.
    remove(in: folder)
    try makeFolder(folder)
    do throws(XSKError) {
      let map = try program.pin(link: "\(folder)/\(linkName)", map: "\(folder)/\(XDPProgram.mapName)")
      var (attached, place) = (UInt32(0), UInt8(0))
      _ = unsafe cxsk_attached_program(device.index, &attached, &place)
      return PinnedProgram(
        socketMap: map, queues: queues, ifindex: device.index, mode: program.mode, identifier: attached,
        isResumed: false, keepsSockets: kept != nil)
    } catch {
      remove(in: folder)
      throw error
    }
  }

  /// What is pinned, if it is whole and on this very device.
  package static func resume(in folder: String, device: NetworkDevice) -> PinnedProgram? {
    let link = unsafe cxsk_pinned_open("\(folder)/\(linkName)")
    guard link >= 0 else { return nil }
    defer { close(link) }
    let map = unsafe cxsk_pinned_open("\(folder)/\(XDPProgram.mapName)")
    guard map >= 0 else { return nil }
    var (program, ifindex) = (UInt32(0), UInt32(0))
    var (attached, mode) = (UInt32(0), UInt8(0))
    // The device has to have this program: its number alone may be another device's in another namespace.
    guard unsafe cxsk_link_facts(link, &program, &ifindex) == 0, CInt(bitPattern: ifindex) == device.index,
      let facts = facts(ofMap: map, for: device), cxsk_program_has_map(program, facts.id) == 1,
      unsafe cxsk_attached_program(device.index, &attached, &mode) == 0, attached == program
    else {
      close(map)
      return nil
    }
    return PinnedProgram(
      socketMap: map, queues: facts.entries, ifindex: device.index,
      mode: mode == XDP_ATTACHED_SKB ? .generic : .native, identifier: program, isResumed: true, keepsSockets: true)
  }

  /// The map that is pinned in a folder, if its program was on this device and has been taken off, or on none that is there.
  ///
  /// - Returns: the caller's to close.
  package static func map(in folder: String, of device: NetworkDevice) -> CInt? {
    let link = unsafe cxsk_pinned_open("\(folder)/\(linkName)")
    guard link >= 0 else { return nil }
    defer { close(link) }
    var (program, ifindex) = (UInt32(0), UInt32(0))
    // Once detached a link has no device.
    guard unsafe cxsk_link_facts(link, &program, &ifindex) == 0, [0, device.index].contains(CInt(bitPattern: ifindex))
    else { return nil }
    let map = unsafe cxsk_pinned_open("\(folder)/\(XDPProgram.mapName)")
    return map >= 0 ? map : nil
  }

  /// nil: no XSKMAP, or one that is too small for a device.
  private static func facts(ofMap map: CInt, for device: NetworkDevice) -> (id: UInt32, entries: Int)? {
    var (id, entries) = (UInt32(0), UInt32(0))
    guard unsafe cxsk_socket_map_facts(map, &id, &entries) == 0, entries >= device.queues.receive else { return nil }
    return (id, Int(entries))
  }

  /// Redirects a queue's packets to a socket that is bound to that queue, until the socket is closed.
  package func insert(_ socket: XSKSocket, queue: Int) throws(XSKError) {
    let code = cxsk_map_set(socketMap, UInt32(queue), UInt32(socket.descriptor))
    guard code == 0 else {
      throw XSKError(
        socket.name, refused: "cannot be redirected to its socket", code: code, remedy: "choose a queue below \(queues)"
      )
    }
  }

  /// Redirects a queue's packets no more: they go to the kernel's stack.
  package func remove(queue: Int) { _ = cxsk_map_delete(socketMap, UInt32(queue)) }

  /// Takes a program off its device and removes what is pinned in a folder, and the folder. Nothing there is no error; the
  /// device and its namespace may be gone.
  package static func remove(in folder: String) {
    // Unlinking alone is not enough: a child process between fork and exec holds a descriptor a moment longer.
    detach(in: folder)
    for name in [linkName, XDPProgram.mapName] { unsafe unlink("\(folder)/\(name)") }
    unsafe rmdir(folder)
  }

  /// Takes a program off its device; what is pinned stays.
  package static func detach(in folder: String) {
    let link = unsafe cxsk_pinned_open("\(folder)/\(linkName)")
    guard link >= 0 else { return }
    _ = cxsk_link_detach(link)
    close(link)
  }

  /// Makes a folder, and those above it, for its owner alone.
  private static func makeFolder(_ folder: String) throws(XSKError) {
    var missing: [String] = []
    var path = folder
    while unsafe access(path, F_OK) != 0, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      missing.append(path)
      path = String(path[..<slash])
    }
    guard unsafe cxsk_is_bpf_folder(path) == 1 else {
      throw XSKError(
        folder, "in no BPF file system, so nothing can be pinned there",
        remedy: "mount one: mount -t bpf bpf /sys/fs/bpf")
    }
    for path in missing.reversed() {
      guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw XSKError(path, refused: "the folder cannot be made", code: errno, remedy: "run as root")
      }
    }
  }
}

extension XDPProgram {
  /// Pins the link and the XSKMAP; the program stays on its device from then on, whatever becomes of this object.
  ///
  /// - Returns: the XSKMAP, for the caller to close.
  func pin(link: String, map: String) throws(XSKError) -> CInt {
    guard !isShared else {
      throw XSKError(
        device, "another XDP program is on it, and one that is shared can't be pinned", remedy: "take the other one off"
      )
    }
    var code = unsafe cxsk_program_pin_map(program, Self.mapName, map)
    // The link last: without it nothing outlives this process.
    if code == 0 { code = unsafe cxsk_program_pin_link(program, link) }
    guard code == 0 else {
      throw XSKError(link, refused: "cannot be pinned", code: code, remedy: "choose another BPF folder")
    }
    isOpen = false
    unsafe cxsk_program_release_link(program)
    return fcntl(socketMap, F_DUPFD_CLOEXEC, 0)
  }
}
