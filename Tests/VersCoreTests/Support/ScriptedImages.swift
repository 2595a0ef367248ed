import Foundation
import InstanceStore
import Synchronization
import SystemPackage
import VersAPI

@testable import VersCore

/// A builder that writes a small file, waits or fails where a test wants it to.
final class ScriptedBuilder: ImageBuilding {
    private struct State {
        var requests: [ImageBuildRequest] = []
        var failure: VersError?
        var isHeld = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var requests: [ImageBuildRequest] { state.withLock { $0.requests } }

    /// Builds fail from now on.
    func fail(with error: VersError?) { state.withLock { $0.failure = error } }

    /// Builds wait until they are cancelled.
    func hold() { state.withLock { $0.isHeld = true } }

    func build(
        _ request: ImageBuildRequest,
        progress: @escaping @Sendable (ImageBuildPhase) async -> Void
    ) async throws -> BuiltImage {
        let (failure, isHeld) = state.withLock { state in
            state.requests.append(request)
            return (state.failure, state.isHeld)
        }
        await progress(.unpacking)
        if isHeld { try await Task.sleep(for: .seconds(3600)) }
        if let failure { throw failure }
        for file in [ImageBuildFile.disk, ImageBuildFile.workload] {
            try "made".write(toFile: request.directory.appending(file).string, atomically: false, encoding: .utf8)
        }
        return BuiltImage(
            diskMiB: 40,
            initPath: nil,
            configuration: ImageConfiguration(command: ["/bin/app"])
        )
    }
}

extension TestDomain {
    /// The services about images, with imports that run while `body` does.
    func withImages(
        _ builder: ScriptedBuilder = ScriptedBuilder(),
        _ body: (ImageService, ScriptedBuilder) async throws -> Void
    ) async throws {
        for name in ["kernel", "initramfs"] {
            let path = layout.images.appending("default/b1").appending(name).string
            if !FileManager.default.fileExists(atPath: path) {
                try "boot".write(toFile: path, atomically: true, encoding: .utf8)
            }
        }
        let files = ImportedImageDirectory(layout: layout)
        let imports = ImageImports(domain: domain, files: files, builder: builder)
        try await imports.recover()
        let service = ImageService(domain: domain, files: files, imports: imports)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await imports.run() }
            defer { group.cancelAll() }
            try await body(service, builder)
        }
    }

    /// The images that have a directory.
    func imageDirectories() -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: layout.importedImages.string)) ?? [])
    }
}
