extension XSKSocket {
  /// Puts frames into the fill ring of a socket that is about to be bound and handed to another process.
  ///
  /// - Precondition: nobody else drives its rings, and the fill ring has room.
  package func give(frames: Range<Int>, of layout: UMEMLayout) {
    // The rings are this socket's, which lives through the call.
    var fill = unsafe FillRing(rings.fill)
    precondition(fill.room(for: UInt32(frames.count)) >= UInt32(frames.count))
    for index in frames { fill.write(layout.address(ofFrame: index)) }
    fill.publish()
  }
}
