import CXsk

/// An XDP program that the kernel has verified, on no device yet: what takes longest about attaching is done before the
/// device is there.
@safe final class LoadedProgram: @unchecked Sendable {
  // Safe: opened in init, closed in deinit unless it was taken.
  // @unchecked: one thread at a time has it.
  private var program: OpaquePointer?
  let form: ProgramForm
  /// Entries of its XSKMAP.
  let queues: Int

  /// - Parameters:
  ///   - form: not bound to a device.
  ///   - name: what errors are about.
  init(_ form: ProgramForm, queues: Int, name: String) throws(XSKError) {
    unsafe program = try XDPProgram.load(form, queues: queues, name: name)
    self.form = form
    self.queues = queues
  }

  deinit {
    if let program = unsafe program { unsafe cxsk_program_close(program) }
  }

  /// The program, the caller's from then on; nil: it was taken before.
  func take() -> OpaquePointer? {
    defer { unsafe program = nil }
    return unsafe program
  }
}
