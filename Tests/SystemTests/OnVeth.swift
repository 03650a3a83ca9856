import Testing

/// Everything in this target: one test after the other, on veth devices in namespaces of its own.
///
/// It needs root and fails without. Each test's waits are bounded; the limit is for what nobody foresaw.
@Suite("On real veth devices", .serialized, .timeLimit(.minutes(6)))
struct OnVeth {}
