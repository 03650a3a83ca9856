import Testing

/// Everything in this target: one test after the other, on veth devices in namespaces of its own.
///
/// It needs root and fails without. Each test's waits are bounded. There is no time limit: a test's time runs on while it
/// waits for a thread of the pool, which has as many as there are cores; scripts/test bounds all tests together.
@Suite("On real veth devices", .serialized)
struct OnVeth {}
