import Testing

/// Gives a suite one instance, in ``Instance/current``, that all of its tests use one after the other.
struct InstanceTrait: SuiteTrait, TestScoping {
    let images: [String]

    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { test.isSuite ? self : nil }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await Instance.run(images: images) { instance in
            try await Instance.$shared.withValue(instance) { try await function() }
        }
    }
}

extension Trait where Self == InstanceTrait {
    static func instance(images: [String] = ["tiny"]) -> Self { InstanceTrait(images: images) }
}
