import CXsk
import Glibc

/// How an XDP program runs on a device.
public enum XDPMode: String, CaseIterable, Sendable {
  /// In the driver, before an skb exists.
  case native
  /// In the kernel's generic path, on skbs: any device, slower.
  case generic
}

/// An XDP program attached to one device, with the XSKMAP that it redirects to.
///
/// It is attached through a link of the process's own, which the kernel removes when the process dies. When the device
/// already has a program, libxdp's dispatcher is asked to run both; where the kernel can't load the dispatcher that is an
/// error which says so.
@safe public final class XDPProgram: @unchecked Sendable {
  // Safe: `program` is opened in init, closed in deinit, and never leaves this class and its extensions.
  // @unchecked: set up by one thread; after that only `detach` changes it, which its owner calls once.
  let program: OpaquePointer
  var isOpen = true
  public let device: String
  public let mode: XDPMode
  /// It runs beside others through libxdp's dispatcher.
  public let isShared: Bool
  /// What it asks the driver about each packet.
  let hints: ReceiveHints
  /// Why it is not the form that asks the driver, and not in native mode, where those were tried before.
  private(set) var hintsRefusal: XSKError?
  private(set) var nativeRefusal: XSKError?
  /// The file descriptor of the XSKMAP, owned by this object.
  public let socketMap: CInt

  /// The entry point and the map that every program of the engine has.
  static let mapName = "xsks_map"

  /// Loads `image` and attaches it to a device, native mode first if `modes` says so.
  ///
  /// - Parameters:
  ///   - queues: RX queues of the device: the size of the XSKMAP.
  ///   - modes: tried in this order.
  /// - Throws: the reason of the last mode tried.
  convenience init(
    image: BPFImage, function: String, device: String, ifindex: CInt, queues: Int, modes: [XDPMode]
  ) throws(XSKError) {
    try self.init(
      [ProgramForm(image: image, function: function)], device: device, ifindex: ifindex, queues: queues, modes: modes)
  }

  /// Loads a program and attaches it to a device: in each mode in turn, the best form first.
  ///
  /// - Throws: the reason of the last attempt.
  convenience init(
    _ forms: [ProgramForm], device: String, ifindex: CInt, queues: Int, modes: [XDPMode]
  ) throws(XSKError) {
    var last = XSKError(device, "no XDP mode to try", remedy: "choose --mode auto")
    var hintsRefusal: XSKError?
    var nativeRefusal: XSKError?
    for mode in modes {
      for form in forms where mode == .native || !form.isDeviceBound {
        do throws(XSKError) {
          try self.init(form, device: device, ifindex: ifindex, queues: queues, mode: mode)
          (self.hintsRefusal, self.nativeRefusal) = (hintsRefusal, mode == .native ? nil : nativeRefusal)
          return
        } catch {
          last = error
          if form.isDeviceBound { hintsRefusal = error }
          if mode == .native { nativeRefusal = error }
        }
      }
    }
    throw last
  }

  private init(
    _ form: ProgramForm, device: String, ifindex: CInt, queues: Int, mode: XDPMode
  ) throws(XSKError) {
    let opened = unsafe try Self.open(image: form.image, function: form.function, device: device, queues: queues)
    do throws(XSKError) {
      unsafe try Self.prepare(opened, form, device: device, ifindex: ifindex)
      isShared = unsafe try Self.attach(
        opened, device: device, ifindex: ifindex, mode: mode, isDeviceBound: form.isDeviceBound)
    } catch {
      unsafe cxsk_program_close(opened)
      throw error
    }
    unsafe program = opened
    self.device = device
    self.mode = mode
    hints = form.hints
    socketMap = unsafe cxsk_program_map(opened, Self.mapName)
  }

  /// Attaches the program that only redirects, in native mode.
  package static func plain(on device: NetworkDevice) throws(XSKError) -> XDPProgram {
    try XDPProgram(
      [.plain], device: device.name, ifindex: device.index, queues: device.queues.receive, modes: [.native])
  }

  /// Attaches what is loaded already to a device that has no other program.
  ///
  /// - Throws: also if `loaded` was taken before. It is gone in either case.
  init(_ loaded: LoadedProgram, device: String, ifindex: CInt, mode: XDPMode) throws(XSKError) {
    guard let taken = unsafe loaded.take() else {
      throw XSKError(device, "its XDP program was attached elsewhere", remedy: "load another")
    }
    do throws(XSKError) {
      var (identifier, place): (UInt32, UInt8) = (0, 0)
      guard unsafe cxsk_attached_program(ifindex, &identifier, &place) != 0 || identifier == 0 else {
        throw Self.refusal(device, "XDP program cannot be attached", -EBUSY)
      }
      unsafe try Self.link(taken, device: device, ifindex: ifindex, mode: mode)
    } catch {
      unsafe cxsk_program_close(taken)
      throw error
    }
    unsafe program = taken
    self.device = device
    self.mode = mode
    isShared = false
    hints = loaded.form.hints
    socketMap = unsafe cxsk_program_map(taken, Self.mapName)
  }

  deinit { unsafe cxsk_program_close(program) }

  /// Loads a program that is on no device; the caller closes it.
  static func load(_ form: ProgramForm, queues: Int, name: String) throws(XSKError) -> OpaquePointer {
    let opened = unsafe try open(image: form.image, function: form.function, device: name, queues: queues)
    do throws(XSKError) {
      unsafe try prepare(opened, form, device: name, ifindex: 0)
      let code = unsafe cxsk_program_load(opened)
      guard code == 0 else { throw refusal(name, "XDP program cannot be loaded", code) }
    } catch {
      unsafe cxsk_program_close(opened)
      throw error
    }
    return unsafe opened
  }

  /// Takes the program off the device; the device's packets go to the kernel's stack from then on.
  public func detach() {
    guard isOpen else { return }
    isOpen = false
    unsafe cxsk_program_detach(program)
  }

  /// Redirects packets of a queue to a socket.
  func insert(socket: CInt, queue: Int) throws(XSKError) {
    let code = cxsk_map_set(socketMap, UInt32(queue), UInt32(socket))
    guard code == 0 else {
      throw XSKError(
        "\(device) queue \(queue)", refused: "cannot be redirected to its socket", code: code,
        remedy: "choose a queue below the device's RX queue count")
    }
  }

  /// Redirects packets of a queue no more: they go to the kernel's stack.
  func remove(queue: Int) {
    _ = cxsk_map_delete(socketMap, UInt32(queue))
  }

  private static func open(
    image: BPFImage, function: String, device: String, queues: Int
  ) throws(XSKError) -> OpaquePointer {
    var code: CInt = 0
    let bytes = image.bytes
    let opened = unsafe bytes.withUnsafeBytes { unsafe cxsk_program_open($0.baseAddress!, $0.count, function, &code) }
    guard let opened = unsafe opened else {
      throw refusal(device, "XDP program \(image.name) cannot be opened", code)
    }
    // A program of the deployment's own may have no XSKMAP; then there is nothing to size.
    _ = unsafe cxsk_program_resize_map(opened, mapName, UInt32(max(1, queues)))
    return unsafe opened
  }

  /// What has to be set before a program is loaded.
  private static func prepare(
    _ program: OpaquePointer, _ form: ProgramForm, device: String, ifindex: CInt
  ) throws(XSKError) {
    if var settings = form.settings {
      // libbpf copies the bytes, and checks their number against the program's.
      let code = unsafe cxsk_program_set_constants(program, &settings, MemoryLayout<xsk_program_settings>.size)
      guard code == 0 else { throw refusal(device, "settings of XDP program \(form.image.name) are refused", code) }
      for name in PolicyTables.Name.allCases {
        // libbpf duplicates the descriptor. A table that is not there is one that the settings have no use for.
        let code = unsafe cxsk_program_share_map(program, name.rawValue, form.tables?.descriptor(name) ?? -1)
        guard code == 0 else { throw refusal(device, "table \(name) of its XDP program is refused", code) }
      }
    }
    if let map = form.socketMap {
      // libbpf duplicates the descriptor.
      let code = unsafe cxsk_program_share_map(program, mapName, map)
      guard code == 0 else { throw refusal(device, "the map of its XDP program is refused", code) }
    }
    if form.isDeviceBound {
      let code = unsafe cxsk_program_bind_device(program, ifindex)
      guard code == 0 else { throw refusal(device, "XDP program \(form.image.name) cannot be bound to it", code) }
    }
  }

  /// Attaches alone if the device is free, else through the dispatcher. Answers whether it is shared.
  private static func attach(
    _ program: OpaquePointer, device: String, ifindex: CInt, mode: XDPMode, isDeviceBound: Bool
  ) throws(XSKError) -> Bool {
    var identifier: UInt32 = 0
    var attachedMode: UInt8 = 0
    if unsafe cxsk_attached_program(ifindex, &identifier, &attachedMode) == 0, identifier != 0 {
      // Refused without loading anything: another form of the program may share.
      guard !isDeviceBound else {
        throw XSKError(
          device, refused: "a program bound to it cannot share it", code: -EBUSY,
          remedy: "have it without other XDP programs")
      }
      let code = unsafe cxsk_program_attach_shared(program, ifindex, mode == .generic ? 1 : 0)
      guard code == 0 else {
        throw XSKError(
          device, refused: "XDP program \(identifier) is attached, and libxdp's dispatcher cannot run both", code: code,
          remedy: removal(device))
      }
      return true
    }
    let code = unsafe cxsk_program_load(program)
    guard code == 0 else {
      throw refusal(device, "XDP program cannot be loaded", code)
    }
    unsafe try link(program, device: device, ifindex: ifindex, mode: mode)
    return false
  }

  private static func link(
    _ program: OpaquePointer, device: String, ifindex: CInt, mode: XDPMode
  ) throws(XSKError) {
    let flags = mode == .native ? CXSK_XDP_FLAGS_DRV : CXSK_XDP_FLAGS_SKB
    let code = unsafe cxsk_program_attach_link(program, ifindex, flags)
    guard code == 0 else {
      throw refusal(device, "XDP program cannot be attached in \(mode.rawValue) mode", code)
    }
  }

  /// How to get rid of the program that is on the device.
  private static func removal(_ device: String) -> String {
    var program = (try? LinkDescription.named(device))?.program
    program?.findHolder()
    return program?.removal(from: device) ?? "try again: it has just gone"
  }

  private static func refusal(_ device: String, _ what: String, _ code: CInt) -> XSKError {
    let log = unsafe String(cString: cxsk_program_log()).split(separator: "\n").last.map { " (\($0))" } ?? ""
    let remedy =
      switch -code {
      // The verifier lets only CAP_PERFMON add to a packet's address what the packet says.
      case EPERM, EACCES: "run as root, or grant CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON"
      case EBUSY: "another program is attached: \(removal(device))"
      default: "see: xskfwd doctor \(device)"
      }
    return XSKError(device, refused: what + log, code: code, remedy: remedy)
  }
}
