public import VersAPI
public import VersCore

/// What the routes ask of the domain about base images. ``ImageService`` is the implementation; tests bring their own.
public protocol ImageOperations: Sendable {
    func list(limit: Int, offset: Int, for principal: Principal) async throws -> BaseImagePage
    func create(_ request: ImageCreateRequest, for principal: Principal) async throws -> ImageJobResponse
    /// Takes an archive from `body`, in pieces; leaves nothing when that throws.
    func upload(
        _ body: any ImageArchiveBody,
        name: String,
        sizeMiB: Int?,
        for principal: Principal
    ) async throws -> ImageJobResponse
    func status(ofImageNamed name: String, for principal: Principal) async throws -> ImageStatusResponse
    func delete(_ id: BaseImageID, for principal: Principal) async throws
}

/// An archive that arrives.
public protocol ImageArchiveBody: Sendable {
    /// In bytes, when the client has said so.
    var length: Int64? { get }
    /// Hands over each piece in order. Returns when it has arrived completely.
    func forEachPiece(_ body: ([UInt8]) async throws -> Void) async throws
}

extension ImageService: ImageOperations {
    public func upload(
        _ body: any ImageArchiveBody,
        name: String,
        sizeMiB: Int?,
        for principal: Principal
    ) async throws -> ImageJobResponse {
        let upload = try await beginUpload(name: name, sizeMiB: sizeMiB, length: body.length, for: principal)
        do {
            try await body.forEachPiece { try await upload.write($0) }
            return try await upload.complete()
        } catch {
            await upload.abandon()
            throw error
        }
    }
}
