import EngineTestSupport
import Foundation
import QEMU
import SystemPackage

/// The engine that all tests share, and a commit of a booted guest for them to start from.
actor TestHost {
    static let shared = TestHost()

    private var preparation: Task<Prepared, any Error>?

    struct Prepared: Sendable {
        var engine: TestEngine
        var booted: TestCommit
        var library: FilePath
    }

    /// Made by the first caller.
    func prepared() async throws -> Prepared {
        if let preparation { return try await preparation.value }
        let task = Task { try await Self.prepare() }
        preparation = task
        return try await task.value
    }

    private static func prepare() async throws -> Prepared {
        let root = FilePath(NSTemporaryDirectory()).appending("vers-engine-tests-\(getpid())")
        atexit {
            // Nothing is left to report a failure to.
            try? FileManager.default.removeItem(
                atPath: FilePath(NSTemporaryDirectory()).appending("vers-engine-tests-\(getpid())").string
            )
        }
        let library = try TestEngine.build(in: root)
        let engine = try await TestEngine(root: root, library: library, accelerator: .tcg, memoryMiB: 256)
        return Prepared(engine: engine, booted: try await engine.bootedCommit(), library: library)
    }
}
