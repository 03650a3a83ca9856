extension Engine {
  /// Begins a capture of the packets that the workers decide about from now on. It goes on until `CaptureSession.end`, also
  /// when nobody reads.
  ///
  /// - Throws: while another capture is running, if the selection is out of range, or there is no memory for its rings.
  public func startCapture(_ selection: CaptureSelection) throws(XSKError) -> CaptureSession {
    try capture.withLock { current throws(XSKError) in
      guard current?.hasEnded ?? true else {
        throw XSKError("capture", "another one is running", remedy: "wait for its end, or end it")
      }
      // The last one's rings may still be some worker's for a moment: they are kept beside the new ones.
      let session = try CaptureSession(selection, workers: threads.map(\.control))
      retired.withLock { if let current { $0.append(current) } }
      current = session
      return session
    }
  }

  /// Frees the memory of captures that ended. Called now and then.
  func releaseCaptures() {
    retired.withLock { $0.removeAll { $0.isReleased } }
    capture.withLock { if $0?.isReleased ?? false { $0 = nil } }
  }
}
