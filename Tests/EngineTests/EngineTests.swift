import Testing

/// Tests that run real guests: one after the other, so that they do not slow each other into their deadlines.
@Suite("the QEMU engine", .serialized, .timeLimit(.minutes(10)))
struct EngineTests {}
