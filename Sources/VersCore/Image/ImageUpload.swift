import Synchronization
public import VersAPI

/// An archive that a client sends, piece by piece. To be ended with ``complete()`` or ``abandon()``; after neither, the
/// next start of the daemon removes it.
public final class ImageUpload: Sendable {
    /// Between two looks at the disk's free space.
    private static let checkInterval = Int64(64) << 20

    private let image: ImportedImage
    private let file: any ImageArchiveReceiving
    private let domain: Domain
    private let whenComplete: @Sendable (ImportedImage) async throws -> ImageJobResponse
    private let whenAbandoned: @Sendable () async -> Void
    private let length = Mutex(Int64(0))

    init(
        image: ImportedImage,
        file: any ImageArchiveReceiving,
        domain: Domain,
        whenComplete: @escaping @Sendable (ImportedImage) async throws -> ImageJobResponse,
        whenAbandoned: @escaping @Sendable () async -> Void
    ) {
        self.image = image
        self.file = file
        self.domain = domain
        self.whenComplete = whenComplete
        self.whenAbandoned = whenAbandoned
    }

    /// - Throws: `.resourceExhausted` when the disk is nearly full.
    public func write(_ bytes: [UInt8]) async throws {
        let (before, after) = length.withLock { length in
            let before = length
            length += Int64(bytes.count)
            return (before, length)
        }
        if before / Self.checkInterval != after / Self.checkInterval { try await domain.ensureDiskSpace() }
        try await file.write(bytes)
    }

    /// Everything has arrived: the image is recorded, and made when its turn comes.
    public func complete() async throws -> ImageJobResponse {
        try await file.finish()
        return try await whenComplete(image)
    }

    /// Leaves nothing, also for a task that was cancelled.
    public func abandon() async {
        // A task of its own, awaited here: it does not inherit the cancellation of whoever gives up.
        await Task { [whenAbandoned] in await whenAbandoned() }.value
    }
}
