import Glibc

/// Sleeps a moment, less than a second.
public func nap(microseconds: UInt32) { usleep(microseconds) }
