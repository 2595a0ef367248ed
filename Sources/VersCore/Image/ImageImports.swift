import Logging
public import ServiceLifecycle
import Synchronization
import VersAPI

/// Makes the images that were asked for, one after the other, as a service. What a daemon does not get to, the next
/// one does: a record that is not final, and the archive in its directory, are all that a job needs.
public final class ImageImports: Service {
    private struct State {
        var phases: [BaseImageID: ImageBuildPhase] = [:]
        var running: (id: BaseImageID, task: Task<Void, Never>)?
        var cancelled: Set<BaseImageID> = []
        var isEnding = false
    }

    private let domain: Domain
    private let files: any ImportedImageFiling
    private let builder: any ImageBuilding
    private let queue: AsyncStream<BaseImageID>
    private let continuation: AsyncStream<BaseImageID>.Continuation
    private let state = Mutex(State())

    public init(domain: Domain, files: any ImportedImageFiling, builder: any ImageBuilding) {
        self.domain = domain
        self.files = files
        self.builder = builder
        (queue, continuation) = AsyncStream.makeStream()
    }

    /// Removes what no record speaks of, and queues what an earlier daemon left. Before requests come.
    public func recover() async throws {
        let records = try await domain.importedImages.importedImages()
        let kept = Set(records.filter { $0.state != .failed }.map(\.id))
        for id in try await files.all() where !kept.contains(id) { await removeFiles(of: id) }
        for record in records.sorted(by: { $0.createdAt < $1.createdAt })
        where [.queued, .building].contains(record.state) {
            enqueue(record.id)
        }
    }

    public func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                for await id in queue { await runJob(id) }
            } onGracefulShutdown: {
                self.end()
            }
        } onCancel: {
            end()
        }
    }

    private func end() {
        continuation.finish()
        state.withLock { state in
            state.isEnding = true
            state.running?.task.cancel()
        }
    }

    func enqueue(_ id: BaseImageID) { continuation.yield(id) }

    /// What is done for an image now; nil when it waits.
    func phase(of id: BaseImageID) -> ImageBuildPhase? { state.withLock { $0.phases[id] } }

    /// Keeps a job from being started, or ends it. It does nothing any more when the call returns.
    func cancel(_ id: BaseImageID) async {
        let task = state.withLock { state in
            state.cancelled.insert(id)
            return state.running?.id == id ? state.running?.task : nil
        }
        task?.cancel()
        await task?.value
    }

    private func runJob(_ id: BaseImageID) async {
        // A task of its own, awaited here, so that it can be cancelled alone.
        let task: Task<Void, Never>? = state.withLock { state in
            guard !state.isEnding, !state.cancelled.contains(id) else { return nil }
            let task = Task { await self.make(id) }
            state.running = (id, task)
            return task
        }
        await task?.value
        state.withLock { state in
            state.running = nil
            state.phases[id] = nil
            state.cancelled.remove(id)
        }
    }

    private func make(_ id: BaseImageID) async {
        var logger = domain.logger
        logger[metadataKey: "image.id"] = "\(id)"
        do {
            let record = try await domain.importedImages.update(id) { $0.state = .building }
            logger[metadataKey: "image.name"] = "\(record.name)"
            logger.info("image build started")
            // An earlier daemon may have got as far as that.
            let completed = try await files.completed(id)
            let diskMiB = if let completed { completed } else { try await build(record).diskMiB }
            try await domain.importedImages.update(id) {
                $0.state = .ready
                $0.diskMiB = diskMiB
            }
            logger.info("image built", metadata: ["image.disk-mib": "\(diskMiB)"])
        } catch {
            // A shutdown or a deletion: the next daemon, or nobody, needs the rest.
            guard !Task.isCancelled else { return }
            logger.warning("image could not be built", metadata: ["error": "\(error)"])
            await recordFailure(of: id, error)
        }
    }

    private func build(_ record: ImportedImage) async throws -> BuiltImage {
        try await domain.ensureDiskSpace()
        let base = try await bootFiles()
        let free = try await domain.host.availableDiskMiB() - domain.configuration.reservedDiskMiB
        let source: ImageBuildRequest.Source =
            switch record.source {
            case .upload: .archive(files.archive(of: record.id))
            case .reference(let text): .reference(text)
            }
        let directory = try await files.prepare(record.id)
        let request = ImageBuildRequest(
            source: source,
            directory: directory,
            size: record.size.request,
            // Layers lie there decompressed beside the disk that they are copied to.
            contentLimitMiB: max(1, min(free / 2, ImageUploadSize.maximumMiB))
        )
        let built = try await builder.build(request) { [self] phase in
            state.withLock { $0.phases[record.id] = phase }
        }
        try Task.checkCancellation()
        try await files.install(record.id, name: record.name, built: built, in: directory, base: base)
        return built
    }

    /// Whose kernel and agent the image gets: container images bring neither.
    private func bootFiles() async throws -> BaseImage {
        let installed = try await domain.images.installed()
        let preferred = [MachineConfiguration.defaultImageName, "tiny"]
        for name in preferred {
            if let image = installed.first(where: { $0.name == name }) { return image }
        }
        guard let first = installed.first else {
            throw VersError(
                .conflict,
                "no image is installed whose kernel an imported one could boot",
                hint: "'vers doctor' on the server's host says how to make one"
            )
        }
        return first
    }

    private func recordFailure(of id: BaseImageID, _ error: any Error) async {
        let failure = error as? VersError
        let text = failure.map { [$0.message, $0.hint].compactMap(\.self).joined(separator: "; ") }
        let recorded = ImportedImage.Failure(
            code: failure?.code ?? .internal,
            message: text ?? "internal error: the daemon's log says more about image \(id)"
        )
        do {
            try await domain.importedImages.update(id) {
                $0.state = .failed
                $0.failure = recorded
            }
        } catch {
            domain.logger.error("failure could not be recorded", metadata: ["image.id": "\(id)", "error": "\(error)"])
        }
        await removeFiles(of: id)
    }

    /// What cannot be removed now is found again at the next start.
    func removeFiles(of id: BaseImageID) async {
        do {
            try await files.remove(id)
        } catch {
            domain.logger.warning(
                "image directory could not be removed",
                metadata: ["image.id": "\(id)", "error": "\(error)"]
            )
        }
    }
}

extension ImportedImage.Size {
    /// Room beyond the content that an upload gets at least when nobody says how much.
    private static let roomMiB = 256

    var request: ImageBuildRequest.Size {
        switch self {
        case .extra(let extra): .extra(extra)
        case .automatic: .atLeast(ImageUploadSize.minimumMiB, extra: Self.roomMiB)
        case .exactly(let size): .exactly(size)
        }
    }
}
